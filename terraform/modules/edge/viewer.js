// Tells the API the viewer's address, with the secret that proves that it comes from here. What a viewer sends under these names is removed.
import cf from 'cloudfront';

const store = cf.kvs();

async function handler(event) {
    const request = event.request;
    delete request.headers['x-viewer-address'];
    delete request.headers['x-origin-secret'];
    try {
        const secret = await store.get('origin-secret');
        request.headers['x-origin-secret'] = { value: secret };
        request.headers['x-viewer-address'] = { value: event.viewer.ip };
    } catch (missing) {
        // Without a secret the API takes the address of the edge location for the source.
        console.log('the store has no origin-secret');
    }
    return request;
}
