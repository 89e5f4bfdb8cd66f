// SPDX-License-Identifier: Apache-2.0
// AXI4-Stream ports of a top function: side channels are taken off on the way in and put on on the way
// out, so that a port has the beats and the tlast of the SystemVerilog accelerator's. II = 1, a cycle a
// beat.
#pragma once

#include "ends.hpp"

// Vitis HLS brings the type of a beat with side channels. A plain compiler gets its fields.
#if defined(__has_include)
#if __has_include(<ap_axi_sdata.h>)
#include <ap_axi_sdata.h>
#define SAMFABRIC_AXI_SDATA
#endif
#endif

namespace samfabric {

#ifdef SAMFABRIC_AXI_SDATA
template <int STREAM_WIDTH>
using AxisBeat = ap_axiu<STREAM_WIDTH, 0, 0, 0>;
#else
template <int STREAM_WIDTH>
struct AxisBeat {
  ap_uint<STREAM_WIDTH> data;
  ap_uint<STREAM_WIDTH / 8> keep;
  ap_uint<STREAM_WIDTH / 8> strb;
  ap_uint<1> last;
};
#endif

// `beats` beats, MOST at most, without their side channels.
template <int STREAM_WIDTH, int MOST>
void take_beats(hls::stream<AxisBeat<STREAM_WIDTH>>& port,
                hls::stream<ap_uint<STREAM_WIDTH>>& inner, int beats) {
beats:
  for (int beat = 0; beat < beats; beat++) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = MOST
#pragma HLS PIPELINE II = 1 style = flp
    inner.write(port.read().data);
  }
}

// A frame of BEATS beats.
template <int STREAM_WIDTH, int BEATS>
void take(hls::stream<AxisBeat<STREAM_WIDTH>>& port, hls::stream<ap_uint<STREAM_WIDTH>>& inner) {
  take_beats<STREAM_WIDTH, BEATS>(port, inner, BEATS);
}

// A frame of ragged keys or values, a code a beat.
template <int STREAM_WIDTH, int DIM, int ROWS, int LENGTH, int LENGTH_WIDTH>
void take_ragged(hls::stream<AxisBeat<STREAM_WIDTH>>& port, hls::stream<ap_uint<LENGTH_WIDTH>>& lengths,
                 hls::stream<ap_uint<STREAM_WIDTH>>& inner) {
  const int length = lengths.read();
  take_beats<STREAM_WIDTH, ceil_div(LENGTH, ROWS) * ROWS * DIM>(port, inner,
                                                         ragged_codes<DIM, ROWS>(length));
}

// What is loaded once after reset: BEATS beats in the first call, none in any other.
template <int STREAM_WIDTH, int BEATS>
void take_once(hls::stream<AxisBeat<STREAM_WIDTH>>& port, hls::stream<ap_uint<STREAM_WIDTH>>& inner) {
  static bool taken = false;
#pragma HLS RESET variable = taken
  if (!taken) {
    take_beats<STREAM_WIDTH, BEATS>(port, inner, BEATS);
    taken = true;
  }
}

// A frame of BEATS beats, of which the last has tlast.
template <int STREAM_WIDTH, int BEATS>
void give(hls::stream<ap_uint<STREAM_WIDTH>>& inner, hls::stream<AxisBeat<STREAM_WIDTH>>& port) {
beats:
  for (int beat = 0; beat < BEATS; beat++) {
#pragma HLS PIPELINE II = 1 style = flp
    AxisBeat<STREAM_WIDTH> out;
    out.data = inner.read();
    out.keep = -1;
    out.strb = -1;
    out.last = beat == BEATS - 1;
    port.write(out);
  }
}

}  // namespace samfabric
