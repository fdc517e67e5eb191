//! Where the records of a run are, and those of others that matter to it.

use std::collections::BTreeSet;

use crate::aws::Aws;
use crate::aws::releases::History;
use crate::aws::releases::bundles::BackendFolders;
use crate::aws::releases::folder::RecordFolder;
use crate::aws::s3::bucket::Bucket;
use crate::core::inputs::Inputs;
use crate::core::release::{FOLDER, application_folder, site_folder};

impl History {
    /// The id of a release of this site that another run has begun or ended since this one has read the records.
    ///
    /// # Errors
    /// The listing is refused.
    pub(crate) async fn came_between(&self) -> anyhow::Result<Option<String>> {
        match &self.site {
            Some(site) => self.seen.came_between(site).await,
            None => Ok(None),
        }
    }

    pub(super) async fn find_places(
        &mut self,
        aws: &Aws,
        bucket: Option<&Bucket>,
        inputs: &Inputs,
    ) -> anyhow::Result<()> {
        let elsewhere = inputs.release.history.as_ref();
        if let (Some(site), Some(bucket)) = (&inputs.site, bucket) {
            let folder_in = |bucket: &Bucket, folder: String, is_site| RecordFolder {
                bucket: bucket.clone(),
                folder,
                environment: None,
                is_site,
                distribution: None,
            };
            self.backends.push(BackendFolders {
                root: folder_in(bucket, FOLDER.to_owned(), false),
                by_region: false,
            });
            let (records, folder) = match elsewhere {
                Some(place) => {
                    let folder = format!("{}site/{}/{}", place.prefix, bucket.name, site_folder(&site.prefix));
                    (Bucket::open(aws, &place.bucket, &folder).await?, folder)
                }
                None => (bucket.clone(), format!("{FOLDER}site/{}", site_folder(&site.prefix))),
            };
            if let Some(place) = elsewhere {
                self.backends.push(BackendFolders {
                    root: folder_in(&records, format!("{}backend/", place.prefix), false),
                    by_region: true,
                });
            }
            self.site = Some(folder_in(&records, folder, true));
        }
        if let (Some(cdn), Some(place)) = (&inputs.cdn, elsewhere) {
            let ids: BTreeSet<&String> = cdn.distributions.iter().collect();
            let bucket = match &self.site {
                Some(site) => site.bucket.clone(),
                None => {
                    let id = ids.first().map_or("", |id| id.as_str());
                    Bucket::open(aws, &place.bucket, &format!("{}cdn/{id}/", place.prefix)).await?
                }
            };
            let folder = |id: &String| RecordFolder {
                bucket: bucket.clone(),
                folder: format!("{}cdn/{id}/", place.prefix),
                environment: None,
                is_site: false,
                distribution: Some(id.clone()),
            };
            self.distributions = ids.into_iter().map(folder).collect();
        }
        let Some(backend) = &inputs.backend else { return Ok(()) };
        // `endpoint-url` is the site's store; Elastic Beanstalk knows nothing of it.
        let aws = &aws.without_endpoint();
        let region = aws.sdk.region().map(ToString::to_string).unwrap_or_default();
        let (bucket, folder) = match elsewhere {
            Some(place) => {
                let folder = format!("{}backend/{region}/{}/", place.prefix, backend.application);
                (Bucket::open(aws, &place.bucket, &folder).await?, folder)
            }
            None => {
                let folder = format!("{FOLDER}{}/", application_folder(&backend.application));
                let bucket = bundle_bucket(aws, &region, backend.package_bucket.as_deref(), &folder);
                (bucket.await?, folder)
            }
        };
        let place = |environment: Option<&String>| RecordFolder {
            bucket: bucket.clone(),
            folder: match environment {
                Some(name) => format!("{folder}{name}/"),
                None => folder.clone(),
            },
            environment: environment.cloned(),
            is_site: false,
            distribution: None,
        };
        self.application = Some(place(None));
        self.environments = match backend.environments.as_slice() {
            [] => vec![place(None)],
            names => names.iter().map(|name| place(Some(name))).collect(),
        };
        Ok(())
    }
}

/// The bucket of application versions: `package-bucket`, else the one that CreateStorageLocation makes.
///
/// <https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/AWSHowTo.S3.html>
async fn bundle_bucket(aws: &Aws, region: &str, named: Option<&str>, prefix: &str) -> anyhow::Result<Bucket> {
    match named {
        Some(name) => Bucket::open(aws, name, prefix).await,
        None => {
            let account = &aws.caller().await?.account;
            Ok(Bucket::in_region(
                aws,
                &format!("elasticbeanstalk-{region}-{account}"),
                prefix,
                region,
            ))
        }
    }
}
