//! Scans of container images: how many vulnerabilities were counted in an image, kept for the whole
//! room. An image's id is the digest of its configuration, so what it names never changes.

use std::time::Duration;

use rusqlite::{OptionalExtension as _, params};
use serde_json::Value;

use super::Store;
use super::rows::now;
use crate::error::{Error, Result};

/// Most bytes that a scan's counts may take.
const LARGEST: usize = 4 << 10;
/// A count older than this is of no use to anybody, seconds.
const OLDEST: i64 = 90 * 24 * 3600;

impl Store {
    /// What was counted in an image, when that is younger than `max_age`.
    ///
    /// # Errors
    /// As [`Store::list`].
    pub fn image_scan(&self, image: &str, max_age: Duration) -> Result<Option<Value>> {
        let since = now() - i64::try_from(max_age.as_secs()).unwrap_or(i64::MAX / 2);
        self.db.read(|conn| {
            let sql = "SELECT json FROM image_scan WHERE image = ? AND scanned_at >= ?";
            let mut query = conn.prepare_cached(sql)?;
            let text: Option<String> = query
                .query_row(params![image, since], |row| row.get(0))
                .optional()?;
            Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
        })
    }

    /// Keeps what has just been counted in an image; what is very old goes.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`] when it is more than 4 KiB or the database fails.
    pub fn keep_image_scan(&self, image: &str, scan: &Value) -> Result<()> {
        let text = scan.to_string();
        if text.len() + image.len() > LARGEST {
            return Err(Error::local(format!("more than {} KiB", LARGEST >> 10)));
        }
        let sql = "INSERT INTO image_scan (image, scanned_at, json) VALUES (?, ?, ?)
                   ON CONFLICT (image) DO UPDATE SET scanned_at = excluded.scanned_at,
                                                     json = excluded.json";
        self.db.write(|conn| {
            conn.prepare_cached(sql)?
                .execute(params![image, now(), text])?;
            conn.prepare_cached("DELETE FROM image_scan WHERE scanned_at < ?")?
                .execute([now() - OLDEST])?;
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::secret::Redactor;

    #[test]
    fn the_last_count_of_an_image_stays_for_a_while() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cache.db");
        let store = Store::open(&path, Arc::new(Redactor::new())).unwrap();
        let (hour, never) = (Duration::from_secs(3600), Duration::MAX);
        assert_eq!(store.image_scan("sha256:a", never).unwrap(), None);
        for high in [1, 2] {
            let scan = json!({"counts": {"high": high}});
            store.keep_image_scan("sha256:a", &scan).unwrap();
        }
        let kept = store.image_scan("sha256:a", hour).unwrap();
        assert_eq!(kept, Some(json!({"counts": {"high": 2}})));
        store
            .db
            .write(|conn| {
                let sql = "UPDATE image_scan SET scanned_at = scanned_at - 7200";
                Ok(conn.execute(sql, [])?)
            })
            .unwrap();
        assert_eq!(store.image_scan("sha256:a", hour).unwrap(), None);
        assert!(store.image_scan("sha256:a", never).unwrap().is_some());
        let large = json!("x".repeat(LARGEST));
        assert!(store.keep_image_scan("sha256:b", &large).is_err());
    }
}
