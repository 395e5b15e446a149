//! Generated files match the catalog.

use super::expect_none;
use xtask::codegen;

#[test]
fn generated_files_are_up_to_date() {
    let complaints = codegen::stale_files(&xtask::root()).expect("renders");
    expect_none(&complaints, &format!("run `{}` and commit what it changed", codegen::COMMAND));
}

#[test]
fn code_generation_is_deterministic() {
    let [first, second] = [(), ()].map(|()| codegen::render(&xtask::root()).expect("renders"));
    for (one, other) in first.iter().zip(&second) {
        assert_eq!(one.content, other.content, "{}", one.path);
    }
}
