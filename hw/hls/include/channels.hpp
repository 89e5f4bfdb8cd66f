// SPDX-License-Identifier: Apache-2.0
// Streams taken apart and put together: concat, split, duplicate, transpose, change of lanes. II = 1, a
// cycle a beat.
#pragma once

#include "stream.hpp"

namespace samfabric {

// (PIXELS, NumChannels0) and (PIXELS, NumChannels1) -> (PIXELS, NumChannels0 + NumChannels1), PE
// codes a beat.
template <int NumChannels0, int NumChannels1, int PE, int ELEM_WIDTH, int PIXELS>
void concat(Stream<PE, ELEM_WIDTH>& s_axis_0, Stream<PE, ELEM_WIDTH>& s_axis_1,
            Stream<PE, ELEM_WIDTH>& m_axis) {
pixels:
  for (int pixel = 0; pixel < PIXELS; pixel++) {
  beats:
    for (int beat = 0; beat < (NumChannels0 + NumChannels1) / PE; beat++) {
#pragma HLS PIPELINE II = 1 style = flp
      m_axis.write(beat < NumChannels0 / PE ? s_axis_0.read() : s_axis_1.read());
    }
  }
}

// (PIXELS, NumChannels0 + NumChannels1) -> (PIXELS, NumChannels0) and (PIXELS, NumChannels1), PE
// codes a beat; as FINN's StreamingSplit.
template <int PIXELS, int NumChannels0, int NumChannels1, int PE, int ELEM_WIDTH>
void split(Stream<PE, ELEM_WIDTH>& s_axis, Stream<PE, ELEM_WIDTH>& m_axis_0,
           Stream<PE, ELEM_WIDTH>& m_axis_1) {
pixels:
  for (int pixel = 0; pixel < PIXELS; pixel++) {
  beats:
    for (int beat = 0; beat < (NumChannels0 + NumChannels1) / PE; beat++) {
#pragma HLS PIPELINE II = 1 style = flp
      const Beat<PE, ELEM_WIDTH> x = s_axis.read();
      if (beat < NumChannels0 / PE) {
        m_axis_0.write(x);
      } else {
        m_axis_1.write(x);
      }
    }
  }
}

// One stream for two readers, as FINN's DuplicateStreams: `beats` beats, MOST at most.
// STREAM_WIDTH: of a beat in bits.
template <int STREAM_WIDTH, int MOST>
void duplicate_beats(hls::stream<ap_uint<STREAM_WIDTH>>& s_axis,
                     hls::stream<ap_uint<STREAM_WIDTH>>& m_axis_0,
                     hls::stream<ap_uint<STREAM_WIDTH>>& m_axis_1, int beats) {
beats:
  for (int beat = 0; beat < beats; beat++) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = MOST
#pragma HLS PIPELINE II = 1 style = flp
    const ap_uint<STREAM_WIDTH> x = s_axis.read();
    m_axis_0.write(x);
    m_axis_1.write(x);
  }
}

template <int STREAM_WIDTH, int BEATS>
void duplicate(hls::stream<ap_uint<STREAM_WIDTH>>& s_axis,
               hls::stream<ap_uint<STREAM_WIDTH>>& m_axis_0,
               hls::stream<ap_uint<STREAM_WIDTH>>& m_axis_1) {
  duplicate_beats<STREAM_WIDTH, BEATS>(s_axis, m_axis_0, m_axis_1, BEATS);
}

// Beats passed on: what a FIFO or a register slice does to them. STREAM_WIDTH: of a beat in bits.
template <int STREAM_WIDTH, int BEATS>
void forward(hls::stream<ap_uint<STREAM_WIDTH>>& s_axis,
             hls::stream<ap_uint<STREAM_WIDTH>>& m_axis) {
beats:
  for (int beat = 0; beat < BEATS; beat++) {
#pragma HLS PIPELINE II = 1 style = flp
    m_axis.write(s_axis.read());
  }
}

// Codes of one stream in beats of another number of lanes, as FINN's StreamingDataWidthConverter:
// `codes` codes, MOST at most, which fill the beats of both sides.
template <int IN_LANES, int OUT_LANES, int ELEM_WIDTH, int MOST>
void dwc_codes(Stream<IN_LANES, ELEM_WIDTH>& s_axis, Stream<OUT_LANES, ELEM_WIDTH>& m_axis,
               int codes) {
  constexpr int HELD = IN_LANES + OUT_LANES;  // codes at most
  ap_uint<HELD * ELEM_WIDTH> held = 0;
  int count = 0, taken = 0, given = 0;
beats:
  while (given < codes) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = MOST / smaller(IN_LANES, OUT_LANES)
#pragma HLS PIPELINE II = 1 style = flp
    if (count < OUT_LANES && taken < codes) {
      const ap_uint<IN_LANES * ELEM_WIDTH> beat = s_axis.read();
      held |= ap_uint<HELD * ELEM_WIDTH>(beat) << (count * ELEM_WIDTH);
      count += IN_LANES;
      taken += IN_LANES;
    }
    if (count >= OUT_LANES) {
      m_axis.write(Beat<OUT_LANES, ELEM_WIDTH>(ap_uint<OUT_LANES * ELEM_WIDTH>(held)));
      held >>= OUT_LANES * ELEM_WIDTH;
      count -= OUT_LANES;
      given += OUT_LANES;
    }
  }
}

template <int IN_LANES, int OUT_LANES, int ELEM_WIDTH, int CODES>
void dwc(Stream<IN_LANES, ELEM_WIDTH>& s_axis, Stream<OUT_LANES, ELEM_WIDTH>& m_axis) {
  dwc_codes<IN_LANES, OUT_LANES, ELEM_WIDTH, CODES>(s_axis, m_axis, CODES);
}

template <int A, int B, int INNER, int STREAM_WIDTH>
void transpose_write(hls::stream<ap_uint<STREAM_WIDTH>>& s_axis,
                     ap_uint<STREAM_WIDTH> frame[A * B * INNER]) {
beats:
  for (int i = 0; i < A * B * INNER; i++) {
#pragma HLS PIPELINE II = 1 style = flp
    frame[i] = s_axis.read();
  }
}

template <int A, int B, int INNER, int STREAM_WIDTH>
void transpose_read(const ap_uint<STREAM_WIDTH> frame[A * B * INNER],
                    hls::stream<ap_uint<STREAM_WIDTH>>& m_axis) {
rows:
  for (int b = 0; b < B; b++) {
    for (int a = 0; a < A; a++) {
      for (int i = 0; i < INNER; i++) {
#pragma HLS PIPELINE II = 1 style = flp
        m_axis.write(frame[(a * B + b) * INNER + i]);
      }
    }
  }
}

// (A, B, INNER * PE) codes -> (B, A, INNER * PE), PE codes a beat. DATAFLOW doubles the frame's memory:
// one frame is written while the one before is read.
template <int A, int B, int INNER, int PE, int ELEM_WIDTH>
void transpose(Stream<PE, ELEM_WIDTH>& s_axis, Stream<PE, ELEM_WIDTH>& m_axis) {
#pragma HLS DATAFLOW
  Beat<PE, ELEM_WIDTH> frame[A * B * INNER];
  transpose_write<A, B, INNER, beat_bits(PE, ELEM_WIDTH)>(s_axis, frame);
  transpose_read<A, B, INNER, beat_bits(PE, ELEM_WIDTH)>(frame, m_axis);
}

}  // namespace samfabric
