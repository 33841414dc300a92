//! Key files: made, and asked for their DID.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::out::{say, tell};
use crate::outcome::Health;
use crate::shell::shown_path;
use crate::{key_file, paint};

const HELP: &str = "\
A key is an Ed25519 private key in PEM (PKCS#8), in a file that only its owner may read; a file of 64
hexadecimal digits works too. Anyone who has it can sign in the owner's name: as a participant, the
authority of a space, the operator of a node's log, or a witness. Keep a copy of it in a safe place: a
lost key cannot be recovered. It is never shown.

The DID is the public name that stands for the key. Give that to others.

With DATASPACE_PASSPHRASE_FILE set to a file that holds a passphrase, `key new` seals the key with it,
and every verb that takes --key opens sealed keys with it.

The file is for the verbs that take --key, for `openssl pkey`, and for your own program:
`SecretKey::from_text` reads it.

Example:
  dataspace key new node.key > node.did
  dataspace key did node.key";

#[derive(Args)]
#[command(after_help = HELP)]
pub(crate) struct KeyArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Make a new key, and print its DID
    New {
        /// The file to write; it must not be there
        file: PathBuf,
    },
    /// Print the DID of a key
    Did {
        /// A file with a secret key (PEM), readable by its owner alone
        file: PathBuf,
    },
}

pub(crate) fn run(args: KeyArgs) -> Result<Health> {
    let key = match args.verb {
        Verb::New { file } => {
            let key = key_file::write_new(&file)?;
            let shown = shown_path(&file);
            tell!("{} the secret key is in {shown}; keep a copy of it", paint::title("note"));
            key
        }
        Verb::Did { file } => key_file::read(&file)?,
    };
    say!("{}", key.did());
    Ok(Health::Sound)
}
