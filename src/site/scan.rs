//! The source directory: walk and hash.
