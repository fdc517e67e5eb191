//! Deflate on all cores, with the same bytes for any number of them.
//!
//! Files are cut into blocks of a fixed size; each block is compressed on its own, with the 32 KiB before it as
//! dictionary and a sync flush at its end, so that the blocks of one file joined are one deflate stream (the way of
//! [pigz](https://zlib.net/pigz/)). Blocks are handed over in order, and only so many are held at a time.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, PoisonError};

use anyhow::{Context as _, anyhow};
use flate2::{Compress, Compression, Crc, FlushCompress, Status};

use crate::core::error::HintExt as _;

/// Within 2 % of `zip -r` in size, see `docs/elastic-beanstalk.md`.
const LEVEL: u32 = 6;

/// Raw bytes a block. Larger ones spread badly over the cores, smaller ones cost size.
const BLOCK: u64 = 1024 * 1024;

/// What deflate can look back.
const WINDOW: u64 = 32 * 1024;

/// How far workers may run ahead of the writer, in blocks: bounds the memory.
const AHEAD: usize = 48;

/// A file to compress.
#[derive(Debug, Clone)]
pub(crate) struct BlockSource {
    /// Where it lies.
    pub(crate) path: PathBuf,
    /// Its size when it was selected.
    pub(crate) size: u64,
}

/// A compressed piece of a file.
#[derive(Debug)]
pub(crate) struct Block {
    /// Which source it belongs to.
    pub(crate) source: usize,
    /// The last one of its source.
    pub(crate) last: bool,
    /// How [`Self::data`] is encoded; the same for all blocks of a source.
    pub(crate) encoding: Encoding,
    /// A piece of the source's deflate stream, or its bytes as they are.
    pub(crate) data: Vec<u8>,
    /// CRC-32 of the raw bytes of this block, with their number.
    pub(crate) crc: Crc,
}

/// How bytes are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// As they are.
    Stored,
    /// Deflated.
    Deflated,
}

/// Compresses `sources`, which `open` opens, on `threads` threads and calls `write` for each block, in order.
///
/// # Errors
/// The first file that cannot be read or that changes meanwhile; what `write` returns.
pub(crate) fn compress<R: Read + Seek>(
    sources: &[BlockSource],
    open: impl Fn(&Path) -> io::Result<R> + Sync,
    threads: usize,
    mut write: impl FnMut(Block) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let jobs = jobs(sources);
    let queue = BlockQueue::default();
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, jobs.len().max(1)) {
            scope.spawn(|| work(sources, &open, &jobs, &queue));
        }
        let result = (0..jobs.len()).try_for_each(|number| write(queue.take(number)?));
        queue.close();
        result
    })
}

#[derive(Debug, Clone, Copy)]
struct DeflateJob {
    source: usize,
    offset: u64,
    length: u64,
    last: bool,
}

fn jobs(sources: &[BlockSource]) -> Vec<DeflateJob> {
    let mut jobs = Vec::with_capacity(sources.len());
    for (source, BlockSource { size, .. }) in sources.iter().enumerate() {
        let mut offset = 0;
        loop {
            let length = BLOCK.min(size - offset);
            let last = offset + length == *size;
            jobs.push(DeflateJob {
                source,
                offset,
                length,
                last,
            });
            if last {
                break;
            }
            offset += length;
        }
    }
    jobs
}

/// Blocks that are done, handed over in order.
#[derive(Default)]
struct BlockQueue {
    state: Mutex<BlockState>,
    changed: Condvar,
}

#[derive(Default)]
struct BlockState {
    /// The next job that a worker takes.
    next: usize,
    /// The job that the writer waits for.
    wanted: usize,
    done: BTreeMap<usize, anyhow::Result<Block>>,
    closed: bool,
}

impl BlockQueue {
    fn next(&self, count: usize) -> Option<usize> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = self
            .changed
            .wait_while(state, |state| {
                !state.closed && state.next < count && state.next >= state.wanted + AHEAD
            })
            .unwrap_or_else(PoisonError::into_inner);
        if state.closed || state.next >= count {
            return None;
        }
        state.next += 1;
        Some(state.next - 1)
    }

    fn put(&self, number: usize, block: anyhow::Result<Block>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.done.insert(number, block);
        if number == state.wanted {
            self.changed.notify_all();
        }
    }

    fn take(&self, number: usize) -> anyhow::Result<Block> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = self
            .changed
            .wait_while(state, |state| !state.done.contains_key(&number))
            .unwrap_or_else(PoisonError::into_inner);
        let block = state.done.remove(&number);
        state.wanted = number + 1;
        self.changed.notify_all();
        block.unwrap_or_else(|| Err(anyhow!("cannot find block {number}")))
    }

    fn close(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.changed.notify_all();
    }
}

fn work<R: Read + Seek>(
    sources: &[BlockSource],
    open: impl Fn(&Path) -> io::Result<R>,
    jobs: &[DeflateJob],
    queue: &BlockQueue,
) {
    while let Some(number) = queue.next(jobs.len()) {
        let job = jobs[number];
        let source = &sources[job.source];
        let block = open(&source.path)
            .map_err(anyhow::Error::from)
            .and_then(|file| block(file, job))
            .with_context(|| format!("cannot bundle `{}`", source.path.display()));
        queue.put(number, block);
    }
}

fn block(mut file: impl Read + Seek, job: DeflateJob) -> anyhow::Result<Block> {
    let dictionary = WINDOW.min(job.offset);
    if job.offset > 0 {
        file.seek(SeekFrom::Start(job.offset - dictionary))?;
    }
    // One byte more than there should be shows a file that has grown.
    let wanted = dictionary + job.length + u64::from(job.last);
    let mut raw = Vec::with_capacity(usize::try_from(wanted)?);
    file.take(wanted).read_to_end(&mut raw)?;
    if raw.len() as u64 != dictionary + job.length {
        return Err(anyhow!("it changed while it was read").hint("let nothing write to the package during this step"));
    }
    let (dictionary, raw) = raw.split_at(usize::try_from(dictionary)?);
    let mut crc = Crc::new();
    crc.update(raw);
    let mut block = Block {
        source: job.source,
        last: job.last,
        encoding: Encoding::Deflated,
        data: deflate_block(dictionary, raw, job.last)?,
        crc,
    };
    let whole_file = job.offset == 0 && job.last;
    if whole_file && block.data.len() >= raw.len() {
        block.encoding = Encoding::Stored;
        block.data = raw.to_vec();
    }
    Ok(block)
}

fn deflate_block(dictionary: &[u8], raw: &[u8], last: bool) -> anyhow::Result<Vec<u8>> {
    // A new one for each block: zlib-rs keeps chains of the block before over a reset, and finds other matches then.
    let mut deflate = Compress::new(Compression::new(LEVEL), false);
    if !dictionary.is_empty() {
        deflate.set_dictionary(dictionary)?;
    }
    let flush = if last {
        FlushCompress::Finish
    } else {
        FlushCompress::Sync
    };
    let mut out = Vec::with_capacity(raw.len() / 2 + 1024);
    loop {
        let consumed = usize::try_from(deflate.total_in())?;
        let status = deflate.compress_vec(&raw[consumed..], &mut out, flush)?;
        let room_left = out.len() < out.capacity();
        let all_in = usize::try_from(deflate.total_in())? == raw.len();
        match status {
            Status::StreamEnd => return Ok(out),
            // A flush is complete when it leaves room in the output.
            _ if !last && all_in && room_left => return Ok(out),
            _ => out.reserve(raw.len() / 2 + 1024),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    use flate2::read::DeflateDecoder;

    fn compressed(sources: &[BlockSource], threads: usize) -> Vec<(Encoding, Vec<u8>, u32)> {
        let mut out: Vec<(Encoding, Vec<u8>, Crc)> = Vec::new();
        compress(
            sources,
            |path| File::open(path),
            threads,
            |block| {
                match out.get_mut(block.source) {
                    Some((_, data, crc)) => {
                        data.extend(&block.data);
                        crc.combine(&block.crc);
                    }
                    None => out.push((block.encoding, block.data, block.crc)),
                }
                Ok(())
            },
        )
        .expect("blocks");
        out.into_iter()
            .map(|(encoding, data, crc)| (encoding, data, crc.sum()))
            .collect()
    }

    #[test]
    fn joined_blocks_are_one_stream_whatever_the_number_of_threads() {
        let directory = tempfile::tempdir().expect("a directory");
        let text: Vec<u8> = (0..3_500_000_u32)
            .flat_map(|n| (n / 3).to_string().into_bytes())
            .take(3_400_000)
            .collect();
        let exact = text[..usize::try_from(2 * BLOCK).expect("small")].to_vec();
        let contents = [text, exact, b"tiny".to_vec(), Vec::new()];
        let sources: Vec<BlockSource> = contents
            .iter()
            .enumerate()
            .map(|(number, content)| {
                let path = directory.path().join(number.to_string());
                std::fs::write(&path, content).expect("a file");
                BlockSource {
                    path,
                    size: content.len() as u64,
                }
            })
            .collect();
        let alone = compressed(&sources, 1);
        assert_eq!(alone, compressed(&sources, 5));
        for ((encoding, data, sum), content) in alone.iter().zip(&contents) {
            let mut back = Vec::new();
            match encoding {
                Encoding::Stored => back.clone_from(data),
                Encoding::Deflated => {
                    DeflateDecoder::new(data.as_slice())
                        .read_to_end(&mut back)
                        .expect("a stream");
                }
            }
            assert!(back == *content);
            let mut crc = Crc::new();
            crc.update(content);
            assert_eq!(*sum, crc.sum());
        }
        assert_eq!(alone[0].0, Encoding::Deflated);
        assert_eq!(alone[2].0, Encoding::Stored);
    }

    #[test]
    fn a_files_bytes_do_not_depend_on_what_was_compressed_before() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut seed = 1_u32;
        let mut sources: Vec<BlockSource> = (0..120_usize)
            .map(|number| {
                let content: Vec<u8> = (0..2000 + number * 300)
                    .map(|_| {
                        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                        b"etaoin shrdlu\n"[(seed >> 24) as usize % 14]
                    })
                    .collect();
                let path = directory.path().join(number.to_string());
                std::fs::write(&path, &content).expect("a file");
                let size = content.len() as u64;
                BlockSource { path, size }
            })
            .collect();
        let forwards = compressed(&sources, 1);
        sources.reverse();
        let mut backwards = compressed(&sources, 1);
        backwards.reverse();
        assert!(forwards == backwards);
    }

    #[test]
    fn a_file_that_changed_is_an_error_and_ends_all_workers() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("log");
        std::fs::write(&path, "grown").expect("a file");
        let sources = vec![BlockSource { path, size: 3 }; 200];
        let error = compress(&sources, |path| File::open(path), 2, |_| Ok(())).expect_err("it changed");
        assert!(format!("{error:#}").contains("changed while it was read"), "{error:#}");
    }
}
