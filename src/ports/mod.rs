//! What the outside looks like: traits for the org, files, the store, the clock, threads and randomness, with the
//! real and the in-memory forms of files, clock and work.
//!
//! Every call through a port is a boundary at which a test may stop the world. Must not know rows, plans or runs.

mod clock;
mod file_reader;
mod files;
mod files_memory;
mod files_real;
mod org;
mod random;
mod replaced_file;
mod store;
mod work;

pub use clock::{Clock, RealClock, TestClock, utc_text};
pub use file_reader::FileReader;
pub use files::{FileLock, Files, cannot, folder_of, read_all, read_text, write_durably};
pub use files_memory::MemoryFiles;
pub use files_real::RealFiles;
pub use org::{Body, ByteStream, Method, Org, Renewal, Reply, Request, TransportError};
pub use random::{Random, SeededRandom, entropy};
pub use replaced_file::ReplacedFile;
pub use store::{MemoryStore, Store, StoreError};
pub use work::{InlineWork, Threads, Work};

/// A future that can be sent between threads, without naming its type.
pub type Future<'a, T> = std::pin::Pin<Box<dyn std::future::Future<Output = T> + Send + 'a>>;
