//! Images of products: responses of the routes, and the processing of an upload.

use super::{
    PRODUCT, assert_all_samples_run, clock,
    http::{Expected, assert_responses},
    sample, sample_time, seeded_platform,
};
use domain::{
    id::ImageId,
    image::{self, ProductImage, State},
    product::Product,
};
use edge::Consumer;
use kernel::Uuid;
use ports::ProductStore as _;
use serde_json::{Value, json};
use testkit::{Dependency, Platform};

/// The image of the samples.
const IMAGE: ImageId = ImageId(Uuid::from_u128(0x0192_f0c1_0000_7000_8000_0000_0000_00c1));

async fn product(platform: &Platform) -> Product {
    platform.products().get(PRODUCT).await.expect("a response").expect("a product")
}

/// A platform whose product has the image of the samples in this state.
async fn with_image(state: State) -> Platform {
    let platform = seeded_platform();
    let product = product(&platform).await;
    let added_at = product.created_at;
    let image = ProductImage { id: IMAGE, media_type: image::MediaType::Png, state, reason: None, added_at };
    platform.products().put(&Product { images: vec![image], ..product });
    platform
}

async fn add(platform: &Platform, expected: &[Expected]) {
    assert_responses(catalog::IMAGE_ADD, expected, async |_, call| {
        image_add::handle(&platform.products(), &platform.image_objects(), call).await
    })
    .await;
}

#[tokio::test]
async fn image_add_returns_a_link_for_a_file_of_the_stated_type_and_size() {
    let platform = seeded_platform();
    let expected = [
        ("ok", 201, "", ""),
        ("bad_unknown_field", 422, "validation", "/name"),
        (r#"set /body/content_type = "image/gif""#, 422, "validation", "/content_type"),
        ("set /body/size = 0", 422, "validation", "/size"),
        ("set /body/size = 10485761", 422, "validation", "/size"),
        (r#"set /requestContext/authorizer/lambda/role = "customer""#, 403, "forbidden", ""),
        (r#"set /pathParameters/id = "0192f0c1-0000-7000-8000-0000000000ff""#, 404, "not-found", ""),
    ];
    add(&platform, &expected).await;
    let product = product(&platform).await;
    let [image] = &product.images[..] else { panic!("{product:?}") };
    assert_eq!((image.state, product.version, product.ready_images().count()), (State::Pending, 2, 0));
}

#[tokio::test]
async fn image_add_adds_one_image_for_a_key_and_at_most_ten() {
    let platform = seeded_platform();
    let with_key = |n: usize| format!(r#"set /headers/idempotency-key = "key-{n}""#);
    let route = adapters::Wiring::new(catalog::IMAGE_ADD, adapters::config::Config::from_vars([])).route();
    let route = route.expect("a route");
    let send = async |edits: String| {
        let event = super::edits::apply(sample(catalog::IMAGE_ADD, "ok"), &edits);
        let handler = async |call| image_add::handle(&platform.products(), &platform.image_objects(), call).await;
        edge::http::respond(&route, event, &clock(), &handler).await
    };
    let first = send(with_key(0)).await;
    assert_eq!((&first["statusCode"], send(with_key(0)).await["body"].clone()), (&json!(201), first["body"].clone()));
    for n in 1..10 {
        assert_eq!(send(with_key(n)).await["statusCode"], 201, "{n}");
    }
    let full = send(with_key(10)).await;
    assert!(full["statusCode"] == 409 && full["body"].as_str().is_some_and(|body| body.contains("too-many-images")));
    assert_eq!(send(with_key(9)).await["statusCode"], 201, "it is the response of the tenth image");
    assert_eq!(product(&platform).await.images.len(), 10);
}

#[tokio::test]
async fn image_list_shows_staff_every_state_with_its_reason() {
    let platform = with_image(State::Ready).await;
    let expected = [("ok", 200, "", ""), ("bad_no_principal", 401, "unauthenticated", "")];
    assert_responses(catalog::IMAGE_LIST, &expected, async |_, call| {
        image_list::handle(&platform.products(), call).await
    })
    .await;
}

#[tokio::test]
async fn image_that_nothing_processes_any_more_is_shown_as_refused() {
    for (state, hours, shown) in [
        (State::Pending, 7, ("pending", None)),
        (State::Pending, 8, ("refused", Some("not_processed"))),
        (State::Ready, 8, ("ready", None)),
    ] {
        let product = product(&with_image(state).await).await;
        let now = kernel::seconds_after(product.created_at, hours * 3_600).expect("an instant");
        let view = api::ImageView::new(&product, &product.images[0], now);
        assert_eq!((view.status, view.reason), shown, "{hours} hours after its link was made");
    }
}

#[tokio::test]
async fn image_get_redirects_to_a_variant() {
    let platform = Platform::new();
    let expected = [
        ("ok", 302, "", ""),
        ("bad_body_is_ignored", 302, "", ""),
        (r#"set /rawQueryString = "size=huge""#, 422, "validation", "?size"),
        (r#"set /rawQueryString = "format=png""#, 422, "validation", "?format"),
        (r#"set /pathParameters/image_id = "..""#, 404, "not-found", ""),
    ];
    assert_responses(catalog::IMAGE_GET, &expected, async |_, call| {
        image_get::handle(&platform.image_objects(), call).await
    })
    .await;
    let route = adapters::Wiring::new(catalog::IMAGE_GET, adapters::config::Config::from_vars([])).route();
    let mut event = sample(catalog::IMAGE_GET, "ok");
    event["rawQueryString"] = json!("size=small&format=webp");
    let handler = async |call| image_get::handle(&platform.image_objects(), call).await;
    let response = edge::http::respond(&route.expect("a route"), event, &clock(), &handler).await;
    let location = response["headers"]["location"].as_str().expect("a location");
    assert!(location.contains(&format!("images/{PRODUCT}/{IMAGE}/small.webp")), "{location}");
}

#[tokio::test]
async fn image_delete_removes_the_image_and_its_objects() {
    let platform = with_image(State::Ready).await;
    for key in image::keys(PRODUCT, IMAGE) {
        platform.image_objects().upload(&key, b"x");
    }
    let expected =
        [("ok", 204, "", ""), ("ok", 404, "not-found", ""), ("bad_no_principal", 401, "unauthenticated", "")];
    assert_responses(catalog::IMAGE_DELETE, &expected, async |_, call| {
        image_delete::handle(&platform.products(), &platform.cache(), &platform.image_objects(), call).await
    })
    .await;
    assert_eq!((product(&platform).await.images.len(), platform.image_objects().keys().len()), (0, 0));
}

/// Invokes image-resize for a sample. Returns whether it must be retried.
async fn resize(platform: &Platform, case: &str) -> bool {
    let handler = async |object| {
        image_resize::handle(&platform.products(), &platform.image_objects(), &platform.image_processor(), object).await
    };
    let consumer = Consumer::new(catalog::IMAGE_RESIZE.name, catalog::MAX_RECEIVES);
    let event: Value = sample(catalog::IMAGE_RESIZE, case);
    edge::objects::notification(&consumer, event, &clock(), &platform.dead_letters(), &handler).await.is_err()
}

fn upload(platform: &Platform, text: &str) {
    platform.image_objects().upload(&image::upload_key(PRODUCT, IMAGE), text.as_bytes());
}

#[tokio::test]
async fn image_resize_stores_the_variants_and_shows_the_image() {
    assert_all_samples_run(catalog::IMAGE_RESIZE, &["ok", "bad_key"]);
    let platform = with_image(State::Pending).await;
    upload(&platform, "png:x");
    for _ in 0..2 {
        assert!(!resize(&platform, "ok").await);
        let product = product(&platform).await;
        assert_eq!((product.ready_images().count(), product.version), (1, 2));
        let keys = platform.image_objects().keys();
        assert!(keys.len() == 6 && keys.iter().all(|key| key.starts_with("images/")), "{keys:?}");
    }
    let view = api::ProductView::from(&product(&platform).await);
    assert_eq!(view.image_url, Some(format!("/api/v1/products/{PRODUCT}/images/{IMAGE}")));
    assert_eq!((view.images.len(), view.image_url.as_ref()), (1, view.images.first()));
}

#[tokio::test]
async fn image_resize_quarantines_a_refused_upload_with_its_reason() {
    for (text, reason) in
        [("refused:trailing_data", "trailing_data"), ("jpeg:x", "other_type"), ("GIF89a", "unsupported_type")]
    {
        let platform = with_image(State::Pending).await;
        upload(&platform, text);
        assert!(!resize(&platform, "ok").await);
        let product = product(&platform).await;
        let view = api::ImageView::new(&product, &product.images[0], sample_time());
        assert_eq!((view.status, view.reason, view.url), ("refused", Some(reason), None));
        assert_eq!(platform.image_objects().keys(), [image::quarantine_key(PRODUCT, IMAGE)]);
    }
}

#[tokio::test]
async fn image_resize_is_retried_after_an_outage_and_deletes_unreferenced_variants() {
    let platform = with_image(State::Pending).await;
    upload(&platform, "png:x");
    platform.faults().take_down(Dependency::Documents);
    assert!(resize(&platform, "ok").await);
    platform.faults().restore_all();
    assert!(!resize(&platform, "ok").await);
    assert_eq!(product(&platform).await.ready_images().count(), 1);

    let unknown = seeded_platform();
    upload(&unknown, "png:x");
    assert!(!resize(&unknown, "ok").await);
    assert_eq!(unknown.image_objects().keys(), [""; 0], "the image was deleted before its upload");

    assert!(!resize(&unknown, "bad_key").await);
    assert_eq!(unknown.dead_letters().messages().len(), 1);
}
