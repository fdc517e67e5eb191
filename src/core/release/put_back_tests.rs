//! Whatever a run did of its plan before it failed, what it puts back is the state before: on pure types, with a bucket in
//! memory that keeps versions as S3 does.

use std::collections::{BTreeMap, HashMap, HashSet};

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::core::release::fixtures::{release, with_site};
use crate::core::release::outcome::{PutBack, SiteChanges};
use crate::core::site::key_change::KeyChange;

const KEYS: [&str; 6] = ["a.js", "b.css", "c.html", "d.txt", "e/index.html", "f"];

const SITE: RestoredSite<'static> = RestoredSite {
    bucket: "b",
    prefix: "",
    acl: None,
};

/// What a reader sees of an object: its content, and headers with ACL.
type Seen = (u8, u8);

/// The id of a version, its time, and what it shows; `None` is a delete marker.
type StoredVersion = (String, i64, Option<Seen>);

/// A bucket with versioning; the versions of a key newest first.
#[derive(Debug, Clone, Default)]
struct MemoryBucket {
    versions: BTreeMap<&'static str, Vec<StoredVersion>>,
    count: usize,
}

impl MemoryBucket {
    fn write(&mut self, key: &'static str, now: i64, object: Option<Seen>) -> String {
        self.count += 1;
        let id = format!("v{}", self.count);
        self.versions
            .entry(key)
            .or_default()
            .insert(0, (id.clone(), now, object));
        id
    }

    fn object(&self, key: &str) -> Option<Seen> {
        self.versions.get(key)?.first()?.2
    }

    fn seen(&self) -> BTreeMap<&'static str, Seen> {
        let objects = KEYS.iter().filter_map(|key| Some((*key, self.object(key)?)));
        objects.collect()
    }

    /// What ListObjectVersions shows; all contents have the same size, so that ETags tell.
    fn listed(&self, keys: &[String]) -> HashMap<String, Vec<Version>> {
        let version = |(position, (id, time, object)): (usize, &StoredVersion)| Version {
            id: id.clone(),
            latest: position == 0,
            delete_marker: object.is_none(),
            size: u64::from(object.is_some()),
            etag: object.map(|(content, _)| content.to_string()).unwrap_or_default(),
            last_modified: *time,
            ..Version::default()
        };
        let wanted = self
            .versions
            .iter()
            .filter(|(key, _)| keys.iter().any(|wanted| wanted == *key));
        wanted
            .map(|(key, versions)| ((*key).to_owned(), versions.iter().enumerate().map(version).collect()))
            .collect()
    }

    fn version(&self, key: &str, id: &str) -> Option<Seen> {
        let versions = self.versions.get(key)?;
        versions.iter().find(|version| version.0 == id)?.2
    }
}

/// One step of a plan: the key at this place gets this object, or is deleted.
type Change = (Index, Option<Seen>);

fn changes(most: usize) -> impl Strategy<Value = Vec<Change>> {
    prop::collection::vec((any::<Index>(), prop::option::of((0..3_u8, 0..2_u8))), 0..most)
}

/// The changes of a plan, one a key, as far as they change anything.
fn plan_of(bucket: &MemoryBucket, changes: &[Change]) -> Vec<(&'static str, Option<Seen>)> {
    let mut plan: BTreeMap<&'static str, Option<Seen>> = BTreeMap::new();
    for (place, object) in changes {
        let key = KEYS[place.index(KEYS.len())];
        if bucket.object(key) != *object {
            plan.insert(key, *object);
        }
    }
    plan.into_iter().collect()
}

/// Carries `plan` out at `now`; of each key what the record says of it.
fn carry_out(bucket: &mut MemoryBucket, plan: &[(&'static str, Option<Seen>)], now: i64) -> Vec<KeyChange> {
    let mut changed = Vec::new();
    for &(key, object) in plan {
        let reason = match bucket.object(key) {
            Some(_) => Reason::ContentChanged,
            None => Reason::New,
        };
        let id = Some(bucket.write(key, now, object));
        changed.push(match object {
            Some(_) => KeyChange::written(key, reason, id),
            None => KeyChange::deleted(key, id),
        });
    }
    changed
}

fn record(id: &str, status: RecordStatus, changed: &[KeyChange]) -> Record {
    let mut record = with_site(release(id, status), &[]);
    if let Some(site) = &mut record.site {
        site.finish(changed);
    }
    record
}

/// Plans the way back over `after` to `live`, and carries the first `most` steps of it out.
fn go_back(
    bucket: &mut MemoryBucket,
    after: &[Record],
    live: &Record,
    now: i64,
    most: usize,
) -> (SitePlan, SiteChanges) {
    let restoration = Restoration::new(bucket.listed(&keys_to_restore(after)), Some(live));
    restoration
        .check(after, "what was live")
        .expect("all versions are there");
    let pairs = restoration
        .steps(after)
        .iter()
        .filter_map(|(key, (_, _, step))| match step {
            KeyAction::KeepIfSame(wanted, current) => Some(((*key).to_owned(), wanted.id.clone(), current.id.clone())),
            _ => None,
        })
        .collect::<Vec<_>>();
    let same: HashSet<String> = pairs
        .into_iter()
        .filter(|(key, wanted, current)| bucket.version(key, wanted) == bucket.version(key, current))
        .map(|(key, ..)| key)
        .collect();
    let plan = restoration.plan(after, &same, SITE);
    let mut changes = SiteChanges::default();
    let name = |key: &str| *KEYS.iter().find(|known| **known == key).expect("a key of ours");
    for write in plan.writes.iter().take(most) {
        let WriteSource::Version { version_id, .. } = &write.source else {
            panic!("a way back uploads nothing");
        };
        let object = bucket.version(&write.key, version_id);
        let id = bucket.write(name(&write.key), now, object);
        changes
            .changed
            .push(KeyChange::written(&write.key, write.reason, Some(id)));
    }
    for key in plan.deletes.iter().take(most.saturating_sub(plan.writes.len())) {
        let id = bucket.write(name(key), now, None);
        changes.changed.push(KeyChange::deleted(key, Some(id)));
    }
    (plan, changes)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn put_back_after_any_prefix_of_any_plan_equals_the_state_before(
        earlier in prop::collection::vec(changes(8), 1..4),
        by_hand in changes(3),
        plan in changes(10),
        prefix in any::<Index>(),
        lost_answer in any::<bool>(),
        half_way in any::<Index>(),
        same_second in any::<bool>(),
    ) {
        // Releases, the newest of which is live, and what somebody changed by hand since.
        let mut bucket = MemoryBucket::default();
        let mut live = None;
        for (number, changes) in earlier.iter().enumerate() {
            let plan = plan_of(&bucket, changes);
            let id = format!("r{}", 10 + number);
            let now = release(&id, RecordStatus::Succeeded).started_at.timestamp();
            live = Some(record(&id, RecordStatus::Succeeded, &carry_out(&mut bucket, &plan, now)));
        }
        let live = live.expect("a release");
        let start = release("r20", RecordStatus::Failed).started_at.timestamp();
        let by_hand = plan_of(&bucket, &by_hand);
        carry_out(&mut bucket, &by_hand, start - 30);
        let before = bucket.seen();

        // A run that fails after a prefix of its plan. Of its last write the answer may be lost: then it is sent again.
        let plan = plan_of(&bucket, &plan);
        let plan = &plan[..prefix.index(plan.len() + 1)];
        let now = if same_second { start } else { start + 5 };
        let mut changed = carry_out(&mut bucket, plan, now);
        if let (true, Some(&(key, object)), Some(last)) = (lost_answer, plan.last(), changed.last_mut()) {
            last.version_id = Some(bucket.write(key, now, object));
        }
        let failed = [record("r20", RecordStatus::Failed, &changed)];
        let run = SiteChanges { changed, ..SiteChanges::default() };

        // Put back whole.
        let mut whole = bucket.clone();
        let (back, done) = go_back(&mut whole, &failed, &live, now + 1, usize::MAX);
        prop_assert_eq!(whole.seen(), before.clone());
        let put_back = PutBack::of_site(&run, &back, done.clone());
        prop_assert!(put_back.is_complete(&run));

        // The record of both, and a rollback over it: it is there already.
        let mut after = failed.clone();
        if let Some(site) = &mut after[0].site {
            site.finish(&[run.changed.clone(), done.changed].concat());
        }
        go_back(&mut whole, &after, &live, now + 60, usize::MAX);
        prop_assert_eq!(whole.seen(), before.clone());

        // Put back half-way: what is called restored is so, and the next rollback brings the rest.
        let steps = back.writes.len() + back.deletes.len();
        let (_, done) = go_back(&mut bucket, &failed, &live, now + 1, half_way.index(steps + 1));
        let put_back = PutBack::of_site(&run, &back, done.clone());
        let seen = bucket.seen();
        for key in &put_back.restored {
            prop_assert_eq!(seen.get(key.as_str()), before.get(key.as_str()));
        }
        if put_back.is_complete(&run) {
            prop_assert_eq!(&seen, &before);
        }
        let mut after = failed.clone();
        if let Some(site) = &mut after[0].site {
            site.finish(&[run.changed.clone(), done.changed].concat());
        }
        go_back(&mut bucket, &after, &live, now + 60, usize::MAX);
        prop_assert_eq!(bucket.seen(), before);
    }
}
