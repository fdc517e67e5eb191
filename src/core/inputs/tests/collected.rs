//! Wrong inputs are reported all together: none hides another.

use super::{assert_one_error, errors};
use crate::core::inputs::table::INPUTS;
use crate::core::site::object::CANNED_ACLS;

#[test]
fn a_wrong_acl_hides_no_other_error() {
    let errors = errors(
        &[
            ("bucket", "my-bucket"),
            ("source", "src"),
            ("acl", "everyone"),
            ("headers", "nonsense"),
            ("delete", "yes"),
            ("max-delete", "some"),
            ("compare", "hash"),
            ("force", "1"),
        ],
        &[],
    );
    for name in ["acl", "headers", "delete", "max-delete", "compare", "force"] {
        assert!(
            errors.iter().any(|error| error.starts_with(&format!("`{name}`"))),
            "{name} is not in {errors:?}"
        );
    }
    assert_eq!(errors.len(), 6, "{errors:?}");
}

#[test]
fn region_and_endpoint_of_args_get_the_checks_of_the_inputs() {
    let errors = errors(
        &[
            ("bucket", "my-bucket"),
            ("source", "src"),
            ("args", "--region EU --endpoint-url ftp://x"),
        ],
        &[],
    );
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(
        errors[0].starts_with("`--region` in `args` is `EU`; it must be"),
        "{errors:?}"
    );
    assert!(errors[1].starts_with("`--endpoint-url` in `args`"), "{errors:?}");
    assert_one_error(
        &[("bucket", "my-bucket"), ("source", "src")],
        &[("AWS_REGION", "EU")],
        &["`AWS_REGION` is `EU`"],
    );
}

#[test]
fn the_table_lists_the_acls_that_are_taken() {
    let acl = INPUTS.iter().find(|input| input.name == "acl").expect("the input");
    for name in CANNED_ACLS {
        assert!(acl.description.contains(&format!("`{name}`")), "{name}");
    }
    assert!(!acl.description.contains("log-delivery-write"));
}
