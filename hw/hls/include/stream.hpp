// SPDX-License-Identifier: Apache-2.0
// What every HLS kernel shares: the beats of a stream, lanes in a beat, types of constants.
//
// A beat is what the SystemVerilog kernel of the same name sees on tdata: `lanes` codes, the first in
// the lowest bits, filled up with zeros to whole bytes. tlast is no part of it: a kernel counts its
// beats, and the top function sets tlast at the accelerator's ends.
#pragma once

#include <ap_int.h>
#include <hls_stream.h>

namespace samfabric {

constexpr int beat_bits(int lanes, int bits) { return (lanes * bits + 7) / 8 * 8; }
constexpr int ceil_div(int a, int b) { return (a + b - 1) / b; }
constexpr int larger(int a, int b) { return a > b ? a : b; }
constexpr int smaller(int a, int b) { return a < b ? a : b; }
// Bits of an unsigned number up to n.
constexpr int bits_of(unsigned long long n) {
  int bits = 0;
  while (bits < 64 && n >> bits != 0) bits++;
  return bits;
}

// A stream of beats of LANES codes of BITS bits.
template <int LANES, int BITS>
using Beat = ap_uint<beat_bits(LANES, BITS)>;
template <int LANES, int BITS>
using Stream = hls::stream<Beat<LANES, BITS>>;

// A code of BITS bits, two's complement where SIGNED.
template <int BITS, bool SIGNED>
struct CodeOf {
  using type = ap_uint<BITS>;
};
template <int BITS>
struct CodeOf<BITS, true> {
  using type = ap_int<BITS>;
};
template <int BITS, bool SIGNED>
using Code = typename CodeOf<BITS, SIGNED>::type;

template <int BITS, bool SIGNED>
struct Range {
  static constexpr long long high = (1LL << (BITS - (SIGNED ? 1 : 0))) - 1;
  static constexpr long long low = SIGNED ? -high - 1 : 0;
};

// Lane `i` of a beat.
template <int BITS, bool SIGNED, int STREAM_WIDTH>
Code<BITS, SIGNED> lane(const ap_uint<STREAM_WIDTH>& beat, int i) {
#pragma HLS INLINE
  Code<BITS, SIGNED> code;
  code.range(BITS - 1, 0) = beat.range((i + 1) * BITS - 1, i * BITS);
  return code;
}

// Puts the low BITS bits of a value into lane `i` of a beat.
template <int BITS, int STREAM_WIDTH, typename VALUE>
void put_lane(ap_uint<STREAM_WIDTH>& beat, int i, const VALUE& value) {
#pragma HLS INLINE
  beat.range((i + 1) * BITS - 1, i * BITS) = ap_uint<BITS>(value);
}

// A value clipped to a code's range.
template <int BITS, bool SIGNED, typename VALUE>
Code<BITS, SIGNED> clipped(const VALUE& value) {
#pragma HLS INLINE
  using R = Range<BITS, SIGNED>;
  if (value < R::low) return Code<BITS, SIGNED>(R::low);
  if (value > R::high) return Code<BITS, SIGNED>(R::high);
  return Code<BITS, SIGNED>(value);
}

// Elements of constant arrays. Synthesis sees their very width; a compiler, which would run a
// constructor for each, sees the machine's types.
#ifdef __SYNTHESIS__
template <int BITS, bool SIGNED>
using Constant = Code<BITS, SIGNED>;
#else
template <int BYTES, bool SIGNED>
struct Machine;
template <> struct Machine<1, true> { using type = signed char; };
template <> struct Machine<1, false> { using type = unsigned char; };
template <> struct Machine<2, true> { using type = short; };
template <> struct Machine<2, false> { using type = unsigned short; };
template <> struct Machine<4, true> { using type = int; };
template <> struct Machine<4, false> { using type = unsigned; };
template <> struct Machine<8, true> { using type = long long; };
template <> struct Machine<8, false> { using type = unsigned long long; };
template <int BITS, bool SIGNED>
using Constant = typename Machine<BITS <= 8 ? 1 : BITS <= 16 ? 2 : BITS <= 32 ? 4 : 8, SIGNED>::type;
#endif

// The set of constants that a frame asks for: one beat of the stream of layers a frame.
template <int SETS>
using LayerStream = Stream<1, (SETS > 1 ? bits_of(SETS - 1) : 1)>;

}  // namespace samfabric
