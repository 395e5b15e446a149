// Addresses of pages have no extension: the page's script decides what it shows.
function handler(event) {
    const request = event.request;
    if (!request.uri.split('/').pop().includes('.')) {
        request.uri = /^\/console(\/|$)/.test(request.uri) ? '/console/index.html' : '/index.html';
    }
    return request;
}
