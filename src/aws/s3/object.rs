//! One object or one of its versions: what S3 tells of it.

use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::{Permission, RequestPayer, StorageClass, Type};
use percent_encoding::utf8_percent_encode;

use crate::aws::error::AwsContextExt as _;
use crate::aws::s3::blank_key::for_sdk;
use crate::aws::s3::bucket::{Bucket, Server};
use crate::aws::s3::request_headers::{self, UNSAFE_IN_PATH};
use crate::core::error::code;
use crate::core::iam::calls::{GET_OBJECT_ACL, GET_OBJECT_VERSION_ACL, HEAD_OBJECT, HEAD_OBJECT_VERSION};
use crate::core::site::copy::{StoredEncryption, StoredObject};
use crate::core::site::headers::ObjectHeaders;
use crate::core::site::object::{Grant, GrantPermission, ObjectOptions};

/// An object or one of its versions.
#[derive(Clone, Copy)]
pub(crate) struct Object<'a> {
    pub(crate) bucket: &'a Bucket,
    pub(crate) key: &'a str,
    pub(crate) version_id: Option<&'a str>,
}

impl Object<'_> {
    /// What HEAD tells of it.
    pub(crate) async fn head(self, options: &ObjectOptions) -> anyhow::Result<HeadObjectOutput> {
        let (customer_key, customer_key_md5, algorithm) = request_headers::customer_key(&options.encryption);
        let call = if self.version_id.is_some() {
            &HEAD_OBJECT_VERSION
        } else {
            &HEAD_OBJECT
        };
        self.bucket
            .client
            .head_object()
            .bucket(&self.bucket.name)
            .key(for_sdk(self.key))
            .set_version_id(self.version_id.map(str::to_owned))
            .set_sse_customer_algorithm(algorithm)
            .set_sse_customer_key(customer_key)
            .set_sse_customer_key_md5(customer_key_md5)
            .set_request_payer(payer(options))
            .send()
            .await
            .aws_context(call, &self.bucket.object_arn(self.key), || {
                format!("cannot read the headers of `{}`", self.key)
            })
    }

    /// Its ACL as grants to send again; empty when only the owner has rights, as without any ACL, and in a store that has
    /// no ACLs.
    pub(crate) async fn grants(self, options: &ObjectOptions) -> anyhow::Result<Vec<Grant>> {
        let call = if self.version_id.is_some() {
            &GET_OBJECT_VERSION_ACL
        } else {
            &GET_OBJECT_ACL
        };
        let answer = self
            .bucket
            .client
            .get_object_acl()
            .bucket(&self.bucket.name)
            .key(for_sdk(self.key))
            .set_version_id(self.version_id.map(str::to_owned))
            .set_request_payer(payer(options))
            .send()
            .await
            .aws_context(call, &self.bucket.object_arn(self.key), || {
                format!("cannot read the ACL of `{}`, which a copy would reset", self.key)
            });
        let answer = match answer {
            // As garage answers for all that is about ACLs.
            Err(error) if self.bucket.server == Server::Compatible && code(&error) == Some("NotImplemented") => {
                return Ok(Vec::new());
            }
            answer => answer?,
        };
        let owner = answer.owner().and_then(|owner| owner.id());
        let is_owners = |grant: &aws_sdk_s3::types::Grant| {
            let grantee = grant.grantee().and_then(|grantee| grantee.id());
            grantee == owner && grant.permission() == Some(&Permission::FullControl)
        };
        if answer.grants().iter().all(is_owners) {
            return Ok(Vec::new());
        }
        Ok(answer.grants().iter().filter_map(grant_of).collect())
    }

    /// `x-amz-copy-source`: URL-encoded.
    pub(crate) fn copy_source(self) -> String {
        let key = utf8_percent_encode(self.key, UNSAFE_IN_PATH);
        match self.version_id {
            Some(id) => format!("{}/{key}?versionId={id}", self.bucket.name),
            None => format!("{}/{key}", self.bucket.name),
        }
    }
}

/// Whether a copy would be refused, until the object is restored from its archive.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/archived-objects.html>
#[must_use]
pub(crate) fn is_archived(head: &HeadObjectOutput) -> bool {
    let in_archive = matches!(
        head.storage_class(),
        Some(StorageClass::Glacier | StorageClass::DeepArchive)
    ) || head.archive_status().is_some();
    in_archive
        && !head
            .restore()
            .is_some_and(|state| state.contains("ongoing-request=\"false\""))
}

/// What HEAD shows, as the decisions take it.
pub(crate) fn stored(head: &HeadObjectOutput) -> StoredObject {
    let encryption = match head.server_side_encryption() {
        _ if head.sse_customer_algorithm().is_some() => StoredEncryption::CustomerKey,
        Some(encryption) => StoredEncryption::Managed {
            algorithm: encryption.as_str().to_owned(),
            key_id: head.ssekms_key_id().map(str::to_owned),
            bucket_key: head.bucket_key_enabled() == Some(true),
        },
        None => StoredEncryption::Unknown,
    };
    StoredObject {
        headers: headers_of(head),
        encryption,
    }
}

/// The headers that HEAD shows, to be sent again.
pub(crate) fn headers_of(head: &HeadObjectOutput) -> ObjectHeaders {
    let owned = |value: Option<&str>| value.map(str::to_owned);
    ObjectHeaders {
        content_type: owned(head.content_type()),
        cache_control: owned(head.cache_control()),
        content_encoding: owned(head.content_encoding()),
        content_disposition: owned(head.content_disposition()),
        content_language: owned(head.content_language()),
        expires: owned(head.expires_string()),
        website_redirect: owned(head.website_redirect_location()),
        storage_class: head.storage_class().map(|class| class.as_str().to_owned()),
        metadata: head
            .metadata()
            .map(|metadata| {
                metadata
                    .iter()
                    .map(|(name, value)| (name.clone(), value.clone()))
                    .collect()
            })
            .unwrap_or_default(),
    }
}

pub(crate) fn payer(options: &ObjectOptions) -> Option<RequestPayer> {
    options.request_payer.then_some(RequestPayer::Requester)
}

fn grant_of(grant: &aws_sdk_s3::types::Grant) -> Option<Grant> {
    let grantee = grant.grantee()?;
    let permission = match grant.permission()? {
        Permission::Read => GrantPermission::Read,
        Permission::ReadAcp => GrantPermission::ReadAcl,
        Permission::WriteAcp => GrantPermission::WriteAcl,
        Permission::FullControl => GrantPermission::Full,
        // `WRITE` means nothing on an object.
        _ => return None,
    };
    let grantee = match grantee.r#type() {
        Type::Group => format!("uri=\"{}\"", grantee.uri()?),
        Type::AmazonCustomerByEmail => format!("emailAddress=\"{}\"", grantee.email_address()?),
        _ => format!("id=\"{}\"", grantee.id()?),
    };
    Some(Grant { permission, grantee })
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::types::ServerSideEncryption;

    use super::*;

    #[test]
    fn a_grant_is_sent_again_as_it_was() {
        let grantee = aws_sdk_s3::types::Grantee::builder()
            .r#type(Type::Group)
            .uri("http://acs.amazonaws.com/groups/global/AllUsers")
            .build()
            .expect("a grantee");
        let grant = |permission| {
            aws_sdk_s3::types::Grant::builder()
                .grantee(grantee.clone())
                .permission(permission)
                .build()
        };
        assert_eq!(
            grant_of(&grant(Permission::Read)),
            Some(Grant {
                permission: GrantPermission::Read,
                grantee: "uri=\"http://acs.amazonaws.com/groups/global/AllUsers\"".into(),
            })
        );
        assert_eq!(grant_of(&grant(Permission::Write)), None);
    }

    #[test]
    fn what_head_shows_is_what_is_decided_on() {
        let head = HeadObjectOutput::builder()
            .server_side_encryption(ServerSideEncryption::AwsKms)
            .ssekms_key_id("arn:aws:kms:us-east-1:123456789012:key/k")
            .bucket_key_enabled(true)
            .content_type("text/css")
            .build();
        let object = stored(&head);
        assert_eq!(object.headers.content_type.as_deref(), Some("text/css"));
        assert_eq!(
            object.encryption,
            StoredEncryption::Managed {
                algorithm: "aws:kms".into(),
                key_id: Some("arn:aws:kms:us-east-1:123456789012:key/k".into()),
                bucket_key: true
            }
        );
        let of_customer = HeadObjectOutput::builder().sse_customer_algorithm("AES256").build();
        assert_eq!(stored(&of_customer).encryption, StoredEncryption::CustomerKey);
    }
}
