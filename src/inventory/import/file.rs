//! Reading the bytes of a file to import.

use std::io::Read as _;
use std::path::Path;

use zeroize::Zeroizing;

use crate::config::expand_tilde;
use crate::error::{Error, Result};

/// Most bytes that an import reads.
const LARGEST_FILE: u64 = 256 << 20;

/// Reads the bytes of a file to import; `-` is standard input.
///
/// # Errors
/// [`crate::error::Kind::Usage`], naming the file: not there, a folder, not readable, too large.
pub fn read_file(name: &str) -> Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    let mut read = || match name {
        "-" => std::io::stdin()
            .lock()
            .take(LARGEST_FILE + 1)
            .read_to_end(&mut bytes),
        path => {
            let file = std::fs::File::open(expand_tilde(path))?;
            file.take(LARGEST_FILE + 1).read_to_end(&mut bytes)
        }
    };
    match read() {
        Err(e) if Path::new(name).is_dir() => {
            Err(Error::usage(format!("`{name}` is a folder, not a list file")).source(e))
        }
        Err(e) => Err(Error::usage(format!("`{name}`: {e}")).source(e)),
        Ok(_) if bytes.len() as u64 > LARGEST_FILE => {
            Err(Error::usage(format!("`{name}` is larger than 256 MiB")))
        }
        Ok(_) => Ok(bytes),
    }
}
