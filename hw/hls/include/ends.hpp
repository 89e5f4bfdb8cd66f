// SPDX-License-Identifier: Apache-2.0
// Processes of a top function that are no kernels: what is loaded once, what has a frame's own length,
// what nobody reads. II = 1, a cycle a beat.
#pragma once

#include "stream.hpp"

namespace samfabric {

// BEATS words of WIDTH bits from a stream of bytes, little end first.
template <int WIDTH, int BEATS>
void load_words(hls::stream<ap_uint<8>>& bytes, hls::stream<ap_uint<WIDTH>>& words) {
words:
  for (int beat = 0; beat < BEATS; beat++) {
    ap_uint<WIDTH> word = 0;
  bytes:
    for (int i = 0; i < WIDTH / 8; i++) {
#pragma HLS PIPELINE II = 1
      word.range(8 * i + 7, 8 * i) = bytes.read();
    }
    words.write(word);
  }
}

// Takes BEATS beats that nobody wants.
template <int WIDTH, int BEATS>
void drain(hls::stream<ap_uint<WIDTH>>& s_axis) {
beats:
  for (int beat = 0; beat < BEATS; beat++) {
#pragma HLS PIPELINE II = 1
    s_axis.read();
  }
}

// Codes of a frame of ragged keys or values: rows filled up to a multiple of ROWS, DIM codes each.
template <int DIM, int ROWS>
int ragged_codes(int length) {
#pragma HLS INLINE
  return (length + ROWS - 1) / ROWS * ROWS * DIM;
}

// A change of lanes (channels.hpp, dwc) of a frame of such codes; from one divides the other.
template <int IN_LANES, int OUT_LANES, int ELEM_WIDTH, int DIM, int ROWS, int LENGTH,
          int LENGTH_WIDTH>
void dwc_ragged(Stream<IN_LANES, ELEM_WIDTH>& s_axis, hls::stream<ap_uint<LENGTH_WIDTH>>& lengths,
                Stream<OUT_LANES, ELEM_WIDTH>& m_axis) {
  const int codes = ragged_codes<DIM, ROWS>(lengths.read());
  constexpr int HELD = IN_LANES + OUT_LANES;
  constexpr int MOST = ceil_div(LENGTH, ROWS) * ROWS * DIM / smaller(IN_LANES, OUT_LANES);
  ap_uint<HELD * ELEM_WIDTH> held = 0;
  int count = 0, taken = 0, given = 0;
beats:
  while (given < codes) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = MOST
#pragma HLS PIPELINE II = 1
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

// A fork (channels.hpp, duplicate) of such a frame. LANES: codes of a beat.
template <int WIDTH, int LANES, int DIM, int ROWS, int LENGTH, int LENGTH_WIDTH>
void duplicate_ragged(hls::stream<ap_uint<WIDTH>>& s_axis,
                      hls::stream<ap_uint<LENGTH_WIDTH>>& lengths,
                      hls::stream<ap_uint<WIDTH>>& m_axis_0, hls::stream<ap_uint<WIDTH>>& m_axis_1) {
  const int beats = ragged_codes<DIM, ROWS>(lengths.read()) / LANES;
beats:
  for (int beat = 0; beat < beats; beat++) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = LENGTH * DIM / LANES
#pragma HLS PIPELINE II = 1
    const ap_uint<WIDTH> x = s_axis.read();
    m_axis_0.write(x);
    m_axis_1.write(x);
  }
}

}  // namespace samfabric
