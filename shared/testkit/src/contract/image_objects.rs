//! Contract of [`ImageObjects`].

use super::{Fixture, fresh};
use ports::ImageObjects;

/// Generates one test per rule of [`ImageObjects`]. The expression is a future of a `Fixture<impl ImageObjects>`.
#[macro_export]
macro_rules! contract_image_objects {
    ($fixture:expr) => {
        $crate::each_rule! { image_objects, $fixture;
            stored_object_is_read_up_to_a_length
            missing_object_is_none_and_is_deleted_without_complaint
            deleted_objects_are_gone
        }
    };
}

fn a_key() -> String {
    format!("images/{}", fresh())
}

async fn read(objects: &impl ImageObjects, key: &str, at_most: u64) -> Option<Vec<u8>> {
    objects.read(key, at_most).await.expect("the store responds")
}

pub async fn stored_object_is_read_up_to_a_length(fixture: &Fixture<impl ImageObjects>) {
    let (key, objects) = (a_key(), fixture.port());
    objects.put(&key, "image/jpeg", b"0123456789".to_vec()).await.expect("stored");
    assert_eq!(read(objects, &key, 4).await.as_deref(), Some(&b"0123"[..]));
    assert_eq!(read(objects, &key, 100).await.as_deref(), Some(&b"0123456789"[..]));
    objects.put(&key, "image/jpeg", b"new".to_vec()).await.expect("replaced");
    assert_eq!(read(objects, &key, 100).await.as_deref(), Some(&b"new"[..]));
}

pub async fn missing_object_is_none_and_is_deleted_without_complaint(fixture: &Fixture<impl ImageObjects>) {
    let key = a_key();
    assert_eq!(read(fixture.port(), &key, 1).await, None);
    assert_eq!(fixture.port().delete(&[key]).await, Ok(()));
}

pub async fn deleted_objects_are_gone(fixture: &Fixture<impl ImageObjects>) {
    let (keys, objects) = ([a_key(), a_key(), a_key()], fixture.port());
    for key in &keys {
        objects.put(key, "image/webp", vec![1]).await.expect("stored");
    }
    objects.delete(&keys[..2]).await.expect("deleted");
    assert_eq!(read(objects, &keys[0], 9).await, None);
    assert_eq!(read(objects, &keys[1], 9).await, None);
    assert_eq!(read(objects, &keys[2], 9).await, Some(vec![1]));
}
