//! Random sequences of deploys, rollbacks and times, against a model in a few lines.

use std::collections::BTreeMap;

use super::{assets, back, cloud, day, step};
use crate::support::Cloud;

/// How long an asset stays, in days.
const STAYS: f64 = 14.0;

/// What should be there.
#[derive(Default)]
struct Model {
    /// The day, by S3's clock.
    day: f64,
    /// Releases: id, day, assets.
    releases: Vec<(String, f64, Vec<String>)>,
    /// The assets of the live release.
    live: Vec<String>,
    /// Since which day an asset is missing.
    missing: BTreeMap<String, f64>,
}

impl Model {
    fn release(&mut self, id: &str, named: Vec<String>) {
        for asset in &self.live {
            if !named.contains(asset) {
                self.missing.entry(asset.clone()).or_insert(self.day);
            }
        }
        self.missing
            .retain(|asset, since| !named.contains(asset) && self.day < *since + STAYS);
        self.releases.push((id.to_owned(), self.day, named.clone()));
        self.live = named;
    }

    /// Everything that is not too old, in order.
    fn expected(&self) -> Vec<String> {
        let mut expected: Vec<String> = self.live.iter().chain(self.missing.keys()).cloned().collect();
        expected.sort();
        expected
    }
}

/// Numbers that look random, the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

fn check(cloud: &Cloud, model: &Model, is_exact: bool, story: &str) {
    let there: Vec<String> = assets(cloud).split_whitespace().map(ToOwned::to_owned).collect();
    for (id, at, named) in &model.releases {
        let is_young = model.day < at + STAYS;
        assert!(
            !is_young || named.iter().all(|asset| there.contains(asset)),
            "{story}\n{id}: {there:?}"
        );
    }
    let expected = model.expected();
    assert!(
        expected.iter().all(|asset| there.contains(asset)),
        "{story}\n{expected:?} {there:?}"
    );
    if is_exact {
        assert_eq!(there, expected, "{story}");
    }
}

#[test]
fn every_asset_of_a_young_release_is_there_and_everything_older_is_gone() {
    for seed in 1..=2 {
        let (cloud, mut dice, mut model) = (cloud(), Dice(seed), Model::default());
        let mut story = format!("seed {seed}");
        // What a rollback makes old counts from when the next run sees it: later than the model's.
        let mut is_exact = true;
        for turn in 0..10 {
            let days = [0.0, 1.0, 5.0, 9.0, 15.0][usize::try_from(dice.roll(5)).expect("small")];
            model.day += if turn < 8 { days } else { 15.0 };
            day(&cloud, model.day);
            let rolls_back = turn > 1 && turn < 7 && dice.roll(3) == 0;
            if rolls_back {
                let choice = usize::try_from(dice.roll(model.releases.len() as u64)).expect("small");
                let (to, _, named) = model.releases[choice].clone();
                let run = back(&cloud, &to).with("max-delete", "100%").run();
                story.push_str(&format!(
                    "\nday {}: back to {to}: {named:?}: {}",
                    model.day, run.exit_code
                ));
                if run.exit_code == 1 && run.error().contains("is live already") {
                    continue;
                }
                let run = run.expect_exit(0);
                model.release(run.output("release"), named);
            } else {
                let bits = if turn < 8 { 1 + dice.roll(31) } else { 1 };
                let named: Vec<String> = (0..5)
                    .filter(|bit| bits & (1 << bit) != 0)
                    .map(|bit| format!("{bit}.js"))
                    .collect();
                let action = step(&cloud, &format!("{turn}{seed}"))
                    .with("max-delete", "100%")
                    .file("site/index.html", format!("{turn} {named:?}"));
                for asset in &named {
                    action.write(&format!("site/assets/{asset}"), asset);
                }
                let run = action.run().expect_exit(0);
                story.push_str(&format!("\nday {}: {named:?}", model.day));
                model.release(run.output("release"), named);
            }
            is_exact &= !rolls_back;
            check(&cloud, &model, is_exact || turn == 9, &story);
        }
    }
}
