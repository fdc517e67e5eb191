//! `core::version` wants what the main crate's build script says.

fn main() {
    println!("cargo:rustc-env=AWD_TARGET=fuzz");
    println!("cargo:rustc-env=AWD_SOURCES=none");
}
