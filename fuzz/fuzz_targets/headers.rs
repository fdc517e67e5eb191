#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| aws_web_deploy_fuzz::headers(data));
