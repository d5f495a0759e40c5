//! `a2` knows two host names and port 443. So that it meets the double unchanged, this program answers for the
//! resolver and corrects the port: its own `getaddrinfo` and `connect` stand before those of the C library.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::atomic::{AtomicU16, Ordering};

static DOUBLE_PORT: AtomicU16 = AtomicU16::new(0);

/// From now on `api.push.apple.com:443` is this port on loopback.
pub(crate) fn lead_to(port: u16) {
    DOUBLE_PORT.store(port, Ordering::Relaxed);
}

fn next(name: &CStr) -> *mut c_void {
    // SAFETY: the name is a C string.
    let found = unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr()) };
    assert!(!found.is_null(), "the C library has no {name:?}");
    found
}

/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
unsafe extern "C" fn getaddrinfo(
    node: *const c_char,
    service: *const c_char,
    hints: *const libc::addrinfo,
    found: *mut *mut libc::addrinfo,
) -> c_int {
    type Real = unsafe extern "C" fn(
        *const c_char,
        *const c_char,
        *const libc::addrinfo,
        *mut *mut libc::addrinfo,
    ) -> c_int;
    // SAFETY: the symbol of that name has this type, and the caller's pointers are handed on as they came.
    unsafe {
        let real: Real = std::mem::transmute(next(c"getaddrinfo"));
        let is_apple = !node.is_null() && CStr::from_ptr(node) == c"api.push.apple.com";
        real(if is_apple { c"127.0.0.1".as_ptr() } else { node }, service, hints, found)
    }
}

/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
unsafe extern "C" fn connect(
    socket: c_int,
    address: *const libc::sockaddr,
    length: libc::socklen_t,
) -> c_int {
    type Real = unsafe extern "C" fn(c_int, *const libc::sockaddr, libc::socklen_t) -> c_int;
    // SAFETY: the symbol of that name has this type; an address of the family AF_INET is a `sockaddr_in`.
    unsafe {
        let real: Real = std::mem::transmute(next(c"connect"));
        if c_int::from((*address).sa_family) == libc::AF_INET {
            let mut changed = *address.cast::<libc::sockaddr_in>();
            if changed.sin_port == 443u16.to_be() && changed.sin_addr.s_addr == libc::INADDR_LOOPBACK.to_be()
            {
                changed.sin_port = DOUBLE_PORT.load(Ordering::Relaxed).to_be();
                return real(socket, (&raw const changed).cast(), length);
            }
        }
        real(socket, address, length)
    }
}
