"""AWS Elastic Beanstalk: applications, versions and environments whose updates take time and go as a test says."""
