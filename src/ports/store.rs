//! A small key-value store for the folded run state. What is in it can always be built again, so it may fail.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// The store cannot be used; it is to be thrown away and built again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the store cannot be used: {0}")]
pub struct StoreError(pub String);

/// A small key-value store.
pub trait Store: Send + Sync {
    /// The value of a key.
    ///
    /// # Errors
    /// When the store is damaged.
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError>;
    /// Sets a key. Not durable before `flush`.
    ///
    /// # Errors
    /// When the store is damaged.
    fn put(&self, key: &str, value: &[u8]) -> Result<(), StoreError>;
    /// Removes everything. Not durable before `flush`.
    ///
    /// # Errors
    /// When the store is damaged.
    fn clear(&self) -> Result<(), StoreError>;
    /// Makes everything before durable.
    ///
    /// # Errors
    /// When the store is damaged.
    fn flush(&self) -> Result<(), StoreError>;
}

/// A store that lasts as long as the process.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<BTreeMap<String, Vec<u8>>>);

impl MemoryStore {
    fn map(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.map().get(key).cloned())
    }

    fn put(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.map().insert(key.to_owned(), value.to_vec());
        Ok(())
    }

    fn clear(&self) -> Result<(), StoreError> {
        self.map().clear();
        Ok(())
    }

    fn flush(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
