// SPDX-License-Identifier: Apache-2.0
// Maps doubled in height and width: by repetition, as FINN's UpsampleNearestNeighbour, and by bilinear
// interpolation at half-pixel centres.
//
// in: (H, W, C), out: (2H, 2W, C), SIMD channels a beat. II = 1: a cycle a beat of the output; the next
// line of the map is read meanwhile.
#pragma once

#include "stream.hpp"

namespace samfabric {

// out[y][x] = in[y / 2][x / 2]
template <int IFM_H, int IFM_W, int NumChannels, int SIMD, int ELEM_WIDTH>
void upsample_nearest(Stream<SIMD, ELEM_WIDTH>& s_axis, Stream<SIMD, ELEM_WIDTH>& m_axis) {
  constexpr int FOLD = NumChannels / SIMD;
  Beat<SIMD, ELEM_WIDTH> kept[IFM_W * FOLD];
lines:
  for (int y = 0; y < 2 * IFM_H; y++) {
  pixels:
    for (int x = 0; x < 2 * IFM_W; x++) {
    folds:
      for (int f = 0; f < FOLD; f++) {
#pragma HLS PIPELINE II = 1 style = flp
        const int at = x / 2 * FOLD + f;
        Beat<SIMD, ELEM_WIDTH> beat;
        if (y % 2 == 0 && x % 2 == 0) {
          beat = s_axis.read();
          kept[at] = beat;
        } else {
          beat = kept[at];
        }
        m_axis.write(beat);
      }
    }
  }
}

// A quarter before and a quarter after each line and pixel, with weights 1/4 and 3/4, at the border the
// pixel itself: torch's interpolate(scale_factor=2, mode="bilinear", align_corners=False), rounded to the
// nearest code, halves upwards:
//   out = (sum over both lines and both pixels of w_y w_x in + 8) >> 4, w in {1, 3}
template <int IFM_H, int IFM_W, int NumChannels, int SIMD, int ELEM_WIDTH, bool SIGNED>
void upsample_bilinear(Stream<SIMD, ELEM_WIDTH>& s_axis, Stream<SIMD, ELEM_WIDTH>& m_axis) {
  constexpr int FOLD = NumChannels / SIMD;
  constexpr int LINE = IFM_W * FOLD;
  constexpr int TOTAL = ELEM_WIDTH + 6;
  Beat<SIMD, ELEM_WIDTH> ring[3][LINE];  // two lines that are read, one that comes
#pragma HLS ARRAY_PARTITION variable = ring complete dim = 1
first:
  for (int i = 0; i < LINE; i++) {
#pragma HLS PIPELINE II = 1 style = flp
    ring[0][i] = s_axis.read();
  }
lines:
  for (int y = 0; y < 2 * IFM_H; y++) {
  pixels:
    for (int x = 0; x < 2 * IFM_W; x++) {
    folds:
      for (int f = 0; f < FOLD; f++) {
#pragma HLS PIPELINE II = 1 style = flp
        const int own = y / 2, here = x / 2;
        const int other = y % 2 == 0 ? (own > 0 ? own - 1 : 0) : (own + 1 < IFM_H ? own + 1 : own);
        const int there =
            x % 2 == 0 ? (here > 0 ? here - 1 : 0) : (here + 1 < IFM_W ? here + 1 : here);
        // Line own + 1 comes while line 2 own leaves, since line 2 own + 1 reads it.
        const bool coming = y % 2 == 0 && own + 1 < IFM_H;
        const Beat<SIMD, ELEM_WIDTH> a = ring[own % 3][here * FOLD + f];
        const Beat<SIMD, ELEM_WIDTH> b = ring[own % 3][there * FOLD + f];
        const Beat<SIMD, ELEM_WIDTH> c = ring[other % 3][here * FOLD + f];
        const Beat<SIMD, ELEM_WIDTH> d = ring[other % 3][there * FOLD + f];
        Beat<SIMD, ELEM_WIDTH> out = 0;
        for (int i = 0; i < SIMD; i++) {
#pragma HLS UNROLL
          const ap_int<TOTAL> nearest = lane<ELEM_WIDTH, SIGNED>(a, i);
          const ap_int<TOTAL> beside = lane<ELEM_WIDTH, SIGNED>(b, i);
          const ap_int<TOTAL> above = lane<ELEM_WIDTH, SIGNED>(c, i);
          const ap_int<TOTAL> across = lane<ELEM_WIDTH, SIGNED>(d, i);
          const ap_int<TOTAL> sum = 9 * nearest + 3 * beside + 3 * above + across + 8;
          put_lane<ELEM_WIDTH>(out, i, ap_int<TOTAL>(sum >> 4));
        }
        m_axis.write(out);
        if (coming && x < IFM_W) ring[(own + 1) % 3][x * FOLD + f] = s_axis.read();
      }
    }
  }
}

}  // namespace samfabric
