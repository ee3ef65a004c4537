//! The event of a process that the OOM killer chose.

use crate::{
    event::{Header, Process},
    wire::wire,
};

/// The record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct OomKill {
    /// What all records have.
    pub header: Header,
    /// The victim.
    pub process: Process,
    /// Its address space, in pages.
    pub total_pages: u64,
    /// Its memory that belongs to no file, in pages.
    pub anonymous_pages: u64,
    /// Its memory that belongs to files, in pages.
    pub file_pages: u64,
    /// Its shared memory, in pages.
    pub shared_pages: u64,
    /// Its page tables, in bytes.
    pub page_table_bytes: u64,
    /// By how much its owner has made it a more likely victim.
    pub score_adjustment: i32,
    /// 0.
    pub reserved: u32,
}

wire!(OomKill {
    header: Header,
    process: Process,
    total_pages: u64,
    anonymous_pages: u64,
    file_pages: u64,
    shared_pages: u64,
    page_table_bytes: u64,
    score_adjustment: i32,
    reserved: u32,
});
