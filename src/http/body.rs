//! Limits on what an answer brings, from its first to its last byte: a server that never ends, or that sends a byte now
//! and then, holds nobody for longer than a download at a snail's pace would take.

use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use futures_util::stream;
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use tokio::time::{Instant, timeout_at};

/// How long any answer may take, however small.
const GRACE: Duration = Duration::from_secs(60);

/// Beyond that, an answer must have brought so many bytes a second on average.
const SLOWEST: u64 = 4 * 1024;

/// What the parsers of answers are given at most, in bytes: a page of a listing, with a thousand long keys, has some four
/// million.
const LARGEST: u64 = 32 * 1024 * 1024;

/// An answer was cut off.
#[derive(Debug, thiserror::Error)]
enum BoundsError {
    #[error("the answer came too slowly: {bytes} bytes in {seconds} s")]
    Slow { bytes: u64, seconds: u64 },
    #[error("the answer is too long: more than {LARGEST} bytes")]
    Long,
}

/// `response` with limits on its body; `any_size` for one that is not kept in memory.
pub(crate) fn bounded(response: HttpResponse, any_size: bool) -> HttpResponse {
    if response.body().content_length() == Some(0) {
        return response;
    }
    response.map(|body| {
        let began = Instant::now();
        let state = Reading { body, began, bytes: 0 };
        let frames = stream::try_unfold(state, move |mut state| async move {
            let frame = state.next(any_size).await?;
            Ok::<_, BoxError>(frame.map(|frame| (frame, state)))
        });
        SdkBody::from_body_1_x(StreamBody::new(frames))
    })
}

struct Reading {
    body: SdkBody,
    began: Instant,
    bytes: u64,
}

impl Reading {
    async fn next(&mut self, any_size: bool) -> Result<Option<Frame<Bytes>>, BoxError> {
        let deadline = self.began + GRACE + Duration::from_secs(self.bytes / SLOWEST);
        let frame = timeout_at(deadline, self.body.frame()).await;
        let frame = frame.map_err(|_| BoundsError::Slow {
            bytes: self.bytes,
            seconds: self.began.elapsed().as_secs(),
        })?;
        let Some(frame) = frame.transpose()? else {
            return Ok(None);
        };
        self.bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
        if self.bytes > LARGEST && !any_size {
            return Err(BoundsError::Long.into());
        }
        Ok(Some(frame))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;

    use super::*;

    /// An answer of frames of `size` bytes, one each `pause`, that never ends.
    fn endless(size: usize, pause: Duration) -> HttpResponse {
        let frames = stream::repeat(()).then(move |()| async move {
            tokio::time::sleep(pause).await;
            Ok::<_, std::convert::Infallible>(Frame::data(Bytes::from(vec![b'x'; size])))
        });
        let body = SdkBody::from_body_1_x(StreamBody::new(frames));
        HttpResponse::new(200.try_into().expect("a status"), body)
    }

    async fn error(response: HttpResponse, any_size: bool) -> String {
        let mut body = bounded(response, any_size).into_body();
        loop {
            match body.frame().await {
                Some(Ok(_)) => {}
                Some(Err(error)) => return error.to_string(),
                None => return "an end".to_owned(),
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn two_bytes_a_second_are_given_up_after_a_minute() {
        for any_size in [false, true] {
            let began = Instant::now();
            let text = error(endless(2, Duration::from_secs(1)), any_size).await;
            assert_eq!(text, "the answer came too slowly: 120 bytes in 60 s");
            assert_eq!(began.elapsed().as_secs(), 60);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_kept_in_memory_has_an_end() {
        let text = error(endless(1024 * 1024, Duration::ZERO), false).await;
        assert!(text.starts_with("the answer is too long"), "{text}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_download_goes_on_as_long_as_bytes_come() {
        let frames =
            (0..1000).map(|_| Ok::<_, std::convert::Infallible>(Frame::data(Bytes::from(vec![b'x'; 16 * 1024]))));
        let slowly = stream::iter(frames).then(|frame| async {
            tokio::time::sleep(Duration::from_secs(3)).await;
            frame
        });
        let body = SdkBody::from_body_1_x(StreamBody::new(slowly));
        let response = HttpResponse::new(200.try_into().expect("a status"), body);
        assert_eq!(error(response, true).await, "an end");
    }
}
