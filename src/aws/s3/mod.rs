//! S3: the client, listings, uploads, copies and deletes.
