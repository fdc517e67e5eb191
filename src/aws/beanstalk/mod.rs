//! Elastic Beanstalk: versions, updates, waiting and explaining.
