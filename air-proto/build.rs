//! Compiles `protos/` without a protoc on the machine.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

const ROOT: &str = "../protos";
const FILES: [&str; 2] = ["playout.proto", "air/playout/v1/playout.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={ROOT}");
    let mut compiler = protox::Compiler::new([ROOT])?;
    compiler.include_imports(true).include_source_info(true).open_files(FILES)?;
    let descriptors = PathBuf::from(env::var("OUT_DIR")?).join("descriptors.bin");
    fs::write(descriptors, compiler.encode_file_descriptor_set())?;
    tonic_prost_build::configure().compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}
