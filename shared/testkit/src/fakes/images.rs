//! In-memory fakes of image objects and of the image processor.

use super::{Dependency, ImageObjects, invoices::ObjectsState};
use domain::image::{MediaType, Refusal, variants};
use kernel::Failure;
use ports::Variant;

impl ImageObjects {
    /// The keys of all objects, sorted.
    pub fn keys(&self) -> Vec<String> {
        self.0.inspect(|state| state.images.0.keys().cloned().collect())
    }

    /// Stores an object, as a client does with an upload link.
    pub fn upload(&self, key: &str, bytes: &[u8]) {
        let object = (String::new(), bytes.to_vec());
        self.0.arrange(|state| state.images.0.insert(key.to_owned(), object));
    }
}

impl ports::ImageObjects for ImageObjects {
    async fn upload_link(&self, key: &str, media_type: &str, bytes: u64, ttl_s: u32) -> Result<String, Failure> {
        Ok(format!("memory:///{key}?type={media_type}&bytes={bytes}&expires={ttl_s}"))
    }

    async fn link(&self, key: &str, ttl_s: u32) -> Result<String, Failure> {
        Ok(format!("memory:///{key}?expires={ttl_s}"))
    }

    async fn read(&self, key: &str, at_most: u64) -> Result<Option<Vec<u8>>, Failure> {
        let length = usize::try_from(at_most).map_err(Failure::internal)?;
        let query = self.0.query(Dependency::Documents, |state| {
            Ok(state.images.0.get(key).map(|(_, bytes)| bytes.iter().copied().take(length).collect()))
        });
        query.await
    }

    async fn put(&self, key: &str, media_type: &str, bytes: Vec<u8>) -> Result<(), Failure> {
        let step = self.0.step(Dependency::Documents, "images.put", |state| {
            state.images.0.insert(key.to_owned(), (media_type.to_owned(), bytes));
            Ok(())
        });
        step.await
    }

    async fn delete(&self, keys: &[String]) -> Result<(), Failure> {
        let step = self.0.step(Dependency::Documents, "images.delete", |state| {
            let ObjectsState(objects) = &mut state.images;
            objects.retain(|key, _| !keys.contains(key));
            Ok(())
        });
        step.await
    }
}

/// Takes text for images: `jpeg:…`, `png:…` and `webp:…`, and `refused:<reason>` for one that is refused.
#[derive(Debug, Clone, Copy)]
pub struct ImageProcessor;

impl ports::ImageProcessor for ImageProcessor {
    fn variants(&self, announced: MediaType, bytes: &[u8]) -> Result<Result<Vec<Variant>, Refusal>, Failure> {
        let text = String::from_utf8_lossy(bytes);
        let (kind, content) = text.split_once(':').unwrap_or_default();
        if kind == "refused" {
            return Ok(Err(Refusal::parse(content).ok_or_else(|| Failure::internal("an unknown reason"))?));
        }
        match MediaType::parse(&format!("image/{kind}")) {
            None => Ok(Err(Refusal::UnsupportedType)),
            Some(media_type) if media_type != announced => Ok(Err(Refusal::OtherType)),
            Some(_) => Ok(Ok(variants()
                .map(|(size, format)| Variant {
                    size,
                    format,
                    bytes: format!("{}:{content}", format.name()).into_bytes(),
                })
                .collect())),
        }
    }
}
