//! libtraceevent, another reader of the kernel's descriptions, as its installed shared library.
#![expect(unsafe_code, reason = "functions of a C library are called")]

use std::{
    ffi::{CStr, c_char, c_int, c_uint, c_ulong, c_void},
    ptr,
};

/// `TEP_FIELD_IS_…` (event-parse.h).
pub(super) const IS_ARRAY: c_ulong = 1;
pub(super) const IS_POINTER: c_ulong = 2;
pub(super) const IS_SIGNED: c_ulong = 4;
pub(super) const IS_DYNAMIC: c_ulong = 16;
pub(super) const IS_RELATIVE: c_ulong = 256;

/// `struct tep_format_field` (event-parse.h).
#[repr(C)]
struct TepField {
    next: *const TepField,
    event: *const c_void,
    ctype: *const c_char,
    name: *const c_char,
    alias: *const c_char,
    offset: c_int,
    size: c_int,
    array_length: c_uint,
    element_size: c_uint,
    flags: c_ulong,
}

/// A field as the library sees it.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) ctype: String,
    pub(super) offset: i32,
    pub(super) size: i32,
    pub(super) flags: c_ulong,
}

type Alloc = unsafe extern "C" fn() -> *mut c_void;
type Parse = unsafe extern "C" fn(*mut c_void, *const c_char, c_ulong, *const c_char) -> c_int;
type Find = unsafe extern "C" fn(*mut c_void, c_int) -> *mut c_void;
type Fields = unsafe extern "C" fn(*mut c_void) -> *mut *const TepField;
type Free = unsafe extern "C" fn(*mut c_void);

/// The library, and what it has read.
pub(super) struct Library {
    handle: *mut c_void,
    parse: Parse,
    find: Find,
    common: Fields,
    fields: Fields,
    free: Free,
}

impl Library {
    /// Loads it.
    pub(super) fn load() -> Self {
        // SAFETY: the name is a C string; the library's constructors have no preconditions.
        let library = unsafe { libc::dlopen(c"libtraceevent.so.1".as_ptr(), libc::RTLD_NOW) };
        assert!(!library.is_null(), "libtraceevent is not installed; `make setup-tests` installs it");
        let symbol = |name: &CStr| {
            // SAFETY: the library stays loaded, and the name is a C string.
            let symbol = unsafe { libc::dlsym(library, name.as_ptr()) };
            assert!(!symbol.is_null(), "libtraceevent has no {name:?}");
            symbol
        };
        // SAFETY: these are the functions' types in event-parse.h, where an enumeration is an `int`; the handle is only used
        // with this library.
        unsafe {
            let allocate = std::mem::transmute::<*mut c_void, Alloc>(symbol(c"tep_alloc"));
            let quiet = std::mem::transmute::<*mut c_void, unsafe extern "C" fn(c_int)>(symbol(c"tep_set_loglevel"));
            quiet(0);
            Self {
                handle: allocate(),
                parse: std::mem::transmute::<*mut c_void, Parse>(symbol(c"tep_parse_event")),
                find: std::mem::transmute::<*mut c_void, Find>(symbol(c"tep_find_event")),
                common: std::mem::transmute::<*mut c_void, Fields>(symbol(c"tep_event_common_fields")),
                fields: std::mem::transmute::<*mut c_void, Fields>(symbol(c"tep_event_fields")),
                free: std::mem::transmute::<*mut c_void, Free>(symbol(c"tep_free")),
            }
        }
    }

    /// The fields in a description, those that all tracepoints have first. Nothing where the library gives up; it does on
    /// some of what a kernel would print, and reads the fields nevertheless.
    pub(super) fn read(&self, category: &str, description: &str, id: u32) -> Option<Vec<Field>> {
        let category = std::ffi::CString::new(category).expect("a name");
        // SAFETY: the library reads as many bytes as it is told, and a C string, and keeps neither.
        unsafe {
            (self.parse)(self.handle, description.as_ptr().cast(), description.len() as c_ulong, category.as_ptr());
            let event = (self.find)(self.handle, id as c_int);
            if event.is_null() {
                return None;
            }
            Some([self.common, self.fields].into_iter().flat_map(|list| collect(list(event))).collect())
        }
    }
}

impl Drop for Library {
    fn drop(&mut self) {
        // SAFETY: the handle is from `tep_alloc`, and nothing refers to what it has.
        unsafe { (self.free)(self.handle) }
    }
}

/// The fields of a list that ends with null, which is freed.
///
/// # Safety
///
/// The list is from `tep_event_fields` or `tep_event_common_fields`.
unsafe fn collect(list: *mut *const TepField) -> Vec<Field> {
    let mut found = Vec::new();
    if list.is_null() {
        return found;
    }
    // SAFETY: the caller vouches for the list and its end; its fields and their texts live as long as the event.
    unsafe {
        for field in (0..).map(|place| *list.add(place)).take_while(|field| !ptr::eq(*field, ptr::null())) {
            let text = |text: *const c_char| CStr::from_ptr(text).to_string_lossy().into_owned();
            let TepField { ctype, name, offset, size, flags, .. } = field.read();
            found.push(Field { name: text(name), ctype: text(ctype), offset, size, flags });
        }
        libc::free(list.cast());
    }
    found
}
