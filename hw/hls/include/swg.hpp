// SPDX-License-Identifier: Apache-2.0
// Sliding window unit, as FINN's ConvolutionInputGenerator: the windows of a map as a convolution
// reads them.
//
// in: (H, W, C), SIMD channels a beat. out, OH x OW windows of k x k pixels:
//   swg_serial             (OH, OW, k, k, C), SIMD lanes
//   swg_serial, DEPTHWISE  (OH, OW, C / SIMD, k * k, SIMD), SIMD lanes
//   swg_parallel           the order of DEPTHWISE, k * k * SIMD lanes
// II = 1. swg_serial takes a cycle a beat of the windows, and reads what the next ones need meanwhile;
// swg_parallel takes a cycle a beat of the map.
#pragma once

#include "stream.hpp"

namespace samfabric {

// A ring of lines, k that are read and STRIDE that are written. What a window needs is waited for, what
// comes later is taken as it comes: no window waits for beats beyond its own, since whoever makes those
// may be waiting for that window.
template <int IFM_H, int IFM_W, int NumChannels, int KERNEL, int STRIDE, int SIMD, int ELEM_WIDTH,
          bool DEPTHWISE>
void swg_serial(Stream<SIMD, ELEM_WIDTH>& s_axis, Stream<SIMD, ELEM_WIDTH>& m_axis) {
  constexpr int FOLD = NumChannels / SIMD;
  constexpr int OFM_H = (IFM_H - KERNEL) / STRIDE + 1;
  constexpr int OFM_W = (IFM_W - KERNEL) / STRIDE + 1;
  constexpr int LINE = IFM_W * FOLD;
  constexpr int RING = KERNEL + STRIDE;
  constexpr int IN = IFM_H * LINE;
  constexpr int OUT = OFM_H * OFM_W * KERNEL * KERNEL * FOLD;
  Beat<SIMD, ELEM_WIDTH> ring[RING][LINE];
#pragma HLS BIND_STORAGE variable = ring type = ram_2p
  int line = 0, slot = 0, written = 0;                       // that comes: in the map, in the ring
  int top = 0, top_slot = 0, ox = 0, ky = 0, kx = 0, f = 0;  // of the beat that leaves
beats:
  while (line < IFM_H || top < OFM_H * STRIDE) {
#pragma HLS LOOP_TRIPCOUNT min = larger(IN, OUT) max = IN + OUT
#pragma HLS PIPELINE II = 1 style = flp
    const int at = (ox * STRIDE + kx) * FOLD + f;
    const bool leaving = top < OFM_H * STRIDE;
    const bool here = leaving && (top + ky < line || (top + ky == line && at < written));
    const bool room = line < IFM_H && (!leaving || line < top + RING);
    const int from = top_slot + ky < RING ? top_slot + ky : top_slot + ky - RING;
    if (here) m_axis.write(ring[from][at]);
    if (room && (!here || !s_axis.empty())) {
      ring[slot][written] = s_axis.read();
      if (++written == LINE) {
        written = 0;
        line++;
        slot = slot + 1 == RING ? 0 : slot + 1;
      }
    }
    if (here) {
      bool window = false;  // does it end here?
      if (!DEPTHWISE) {     // channels fastest
        if (++f == FOLD) {
          f = 0;
          if (++kx == KERNEL) {
            kx = 0;
            if (++ky == KERNEL) {
              ky = 0;
              window = true;
            }
          }
        }
      } else {  // pixels of the window fastest
        if (++kx == KERNEL) {
          kx = 0;
          if (++ky == KERNEL) {
            ky = 0;
            if (++f == FOLD) {
              f = 0;
              window = true;
            }
          }
        }
      }
      if (window && ++ox == OFM_W) {
        ox = 0;
        top += STRIDE;
        top_slot = top_slot + STRIDE < RING ? top_slot + STRIDE : top_slot + STRIDE - RING;
      }
    }
  }
}

// k - 1 lines, and the pixels of a window left of the one that comes.
template <int IFM_H, int IFM_W, int NumChannels, int KERNEL, int STRIDE, int SIMD, int ELEM_WIDTH>
void swg_parallel(Stream<SIMD, ELEM_WIDTH>& s_axis,
                  Stream<KERNEL * KERNEL * SIMD, ELEM_WIDTH>& m_axis) {
  constexpr int FOLD = NumChannels / SIMD;
  constexpr int OFM_H = (IFM_H - KERNEL) / STRIDE + 1;
  constexpr int OFM_W = (IFM_W - KERNEL) / STRIDE + 1;
  constexpr int WORD = SIMD * ELEM_WIDTH;
  ap_uint<WORD> lines[larger(KERNEL - 1, 1)][IFM_W * FOLD];
  ap_uint<WORD> left[FOLD][KERNEL][larger(KERNEL - 1, 1)];
#pragma HLS ARRAY_PARTITION variable = lines complete dim = 1
#pragma HLS ARRAY_PARTITION variable = left complete dim = 2
#pragma HLS ARRAY_PARTITION variable = left complete dim = 3
#pragma HLS DEPENDENCE variable = lines inter false
lines:
  for (int y = 0; y < IFM_H; y++) {
  pixels:
    for (int x = 0; x < IFM_W; x++) {
    folds:
      for (int f = 0; f < FOLD; f++) {
#pragma HLS PIPELINE II = 1 style = flp
        ap_uint<WORD> column[KERNEL];
#pragma HLS ARRAY_PARTITION variable = column complete
        const int at = x * FOLD + f;
        for (int k = 0; k < KERNEL - 1; k++) {
#pragma HLS UNROLL
          column[k] = lines[k][at];
        }
        column[KERNEL - 1] = s_axis.read();
        for (int k = 0; k < KERNEL - 1; k++) {
#pragma HLS UNROLL
          lines[k][at] = column[k + 1];
        }
        Beat<KERNEL * KERNEL * SIMD, ELEM_WIDTH> window = 0;
        for (int ky = 0; ky < KERNEL; ky++) {
#pragma HLS UNROLL
          for (int kx = 0; kx < KERNEL; kx++) {
#pragma HLS UNROLL
            const ap_uint<WORD> pixel = kx == KERNEL - 1 ? column[ky] : left[f][ky][kx];
            put_lane<WORD>(window, ky * KERNEL + kx, pixel);
          }
          for (int kx = 0; kx < KERNEL - 1; kx++) {
#pragma HLS UNROLL
            left[f][ky][kx] = kx == KERNEL - 2 ? column[ky] : left[f][ky][kx + 1];
          }
        }
        const int oy = y - (KERNEL - 1), ox = x - (KERNEL - 1);
        const bool whole = oy >= 0 && ox >= 0 && oy % STRIDE == 0 && ox % STRIDE == 0 &&
                           oy / STRIDE < OFM_H && ox / STRIDE < OFM_W;
        if (whole) m_axis.write(window);
      }
    }
  }
}

}  // namespace samfabric
