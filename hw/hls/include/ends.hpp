// SPDX-License-Identifier: Apache-2.0
// Processes of a top function that are no kernels: what is loaded once, what has a frame's own length,
// what nobody reads. II = 1, a cycle a beat.
#pragma once

#include "channels.hpp"

namespace samfabric {

// BEATS words of STREAM_WIDTH bits from a stream of bytes, little end first.
template <int STREAM_WIDTH, int BEATS>
void load_words(hls::stream<ap_uint<8>>& bytes, hls::stream<ap_uint<STREAM_WIDTH>>& words) {
words:
  for (int beat = 0; beat < BEATS; beat++) {
    ap_uint<STREAM_WIDTH> word = 0;
  bytes:
    for (int i = 0; i < STREAM_WIDTH / 8; i++) {
#pragma HLS PIPELINE II = 1 style = flp
      word.range(8 * i + 7, 8 * i) = bytes.read();
    }
    words.write(word);
  }
}

// Takes BEATS beats that nobody wants.
template <int STREAM_WIDTH, int BEATS>
void drain(hls::stream<ap_uint<STREAM_WIDTH>>& s_axis) {
beats:
  for (int beat = 0; beat < BEATS; beat++) {
#pragma HLS PIPELINE II = 1 style = flp
    s_axis.read();
  }
}

// Beats of another width: what lies above the codes is zeros or left out.
template <int IN_STREAM_WIDTH, int OUT_STREAM_WIDTH, int BEATS>
void resize(hls::stream<ap_uint<IN_STREAM_WIDTH>>& s_axis,
            hls::stream<ap_uint<OUT_STREAM_WIDTH>>& m_axis) {
beats:
  for (int beat = 0; beat < BEATS; beat++) {
#pragma HLS PIPELINE II = 1 style = flp
    m_axis.write(ap_uint<OUT_STREAM_WIDTH>(s_axis.read()));
  }
}

// Codes of a frame of ragged keys or values: rows filled up to a multiple of ROWS, DIM codes each.
template <int DIM, int ROWS>
int ragged_codes(int length) {
#pragma HLS INLINE
  return (length + ROWS - 1) / ROWS * ROWS * DIM;
}

// A change of lanes of a frame of such codes; of the two numbers of lanes one divides the other.
template <int IN_LANES, int OUT_LANES, int ELEM_WIDTH, int DIM, int ROWS, int LENGTH,
          int LENGTH_WIDTH>
void dwc_ragged(Stream<IN_LANES, ELEM_WIDTH>& s_axis, hls::stream<ap_uint<LENGTH_WIDTH>>& lengths,
                Stream<OUT_LANES, ELEM_WIDTH>& m_axis) {
  const int codes = ragged_codes<DIM, ROWS>(lengths.read());
  dwc_codes<IN_LANES, OUT_LANES, ELEM_WIDTH, ceil_div(LENGTH, ROWS) * ROWS * DIM>(s_axis, m_axis,
                                                                                  codes);
}

// A fork of such a frame. LANES: codes of a beat.
template <int STREAM_WIDTH, int LANES, int DIM, int ROWS, int LENGTH, int LENGTH_WIDTH>
void duplicate_ragged(hls::stream<ap_uint<STREAM_WIDTH>>& s_axis,
                      hls::stream<ap_uint<LENGTH_WIDTH>>& lengths,
                      hls::stream<ap_uint<STREAM_WIDTH>>& m_axis_0,
                      hls::stream<ap_uint<STREAM_WIDTH>>& m_axis_1) {
  const int beats = ragged_codes<DIM, ROWS>(lengths.read()) / LANES;
  duplicate_beats<STREAM_WIDTH, LENGTH * DIM / LANES>(s_axis, m_axis_0, m_axis_1, beats);
}

}  // namespace samfabric
