//! Release records in S3.
