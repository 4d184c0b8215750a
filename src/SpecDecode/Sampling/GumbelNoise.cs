using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SpecDecode.Sampling;

/// <summary>
/// Standard Gumbel noise by seed, choice, output position and token (the Gumbel-max trick: the arg max of log probability plus
/// noise is a draw from the distribution). The same numbers on every machine: integers from <see cref="Philox"/>, and a
/// logarithm of additions, multiplications and divisions alone.
/// </summary>
/// <remarks>
/// The noise is −log E with a standard exponential E for each token. Those of a block of tokens start from the least of them: it is
/// a standard exponential divided by their number, any of them has it with equal chance, and the others exceed it by
/// standard exponentials of their own. So a look at one number tells of most blocks that none of their tokens can win.
/// </remarks>
/// <param name="seed">The request's seed.</param>
/// <param name="choice">Which of several answers.</param>
/// <param name="position">Number of the output token, from 0.</param>
internal readonly struct GumbelNoise(ulong seed, uint choice, uint position)
{
    private const int BlockTokens = 2 * Philox.GroupWords;

    // Tokens of the blocks whose least numbers come from one group.
    private const int GroupTokens = Philox.GroupBlocks * BlockTokens;

    // Numbers have 52 bits, the most that keep 1 − u exact. A token's are half a word of one block of Philox, which eight tokens
    // share, and 36 bits of another, its own, which is hardly ever needed.
    private const int Bits = 52;
    private const int LowerBits = 36;

    // What Philox is asked for; 1 is a sequence's stream of numbers.
    private const uint UpperPurpose = 0;
    private const uint LowerPurpose = 2;
    private const uint LeastPurpose = 3;

    // -log of the largest number, and what that is at the least in a block.
    private const double LeastExponential = 1.0 / (1L << (Bits + 1)) / BlockTokens;

    /// <summary>The noise of a token.</summary>
    public double Of(int token)
    {
        Vector128<uint> words = Philox.Block(
            seed, LeastCounter(token) + Vector128.CreateScalar((uint)(token / BlockTokens % Philox.GroupBlocks)));
        double least = Exponential(LeastBits(words[0], words[1])) / BlockTokens;
        return token % BlockTokens == Holder(words[2]) ? -Log(least) : -Log(least + Exponential(BitsOf(token, Upper(token))));
    }

    /// <summary>
    /// The token with the highest logit / temperature + noise among those that the cut keeps; the lowest id on a tie. Only
    /// tokens whose noise could lift them above the best so far have it computed to the end, which changes the time and not
    /// the result.
    /// </summary>
    /// <param name="row">A row that can be chosen from.</param>
    /// <param name="cut">Which of its tokens may win.</param>
    /// <param name="temperature">Above 0.</param>
    public int ArgMax(LogitRow row, LogitCut cut, float temperature)
    {
        Search search = new(this, row, cut, temperature);
        Span<float> tops = stackalloc float[Philox.GroupBlocks];
        Span<uint> words = stackalloc uint[Philox.GroupWords];
        for (int start = 0; start < row.Logits.Length; start += GroupTokens)
        {
            ReadOnlySpan<float> group = row.Logits[start..Math.Min(start + GroupTokens, row.Logits.Length)];
            int blocks = 0;
            for (int first = 0; first < group.Length; first += BlockTokens)
            {
                float top = TensorPrimitives.Max(group[first..Math.Min(first + BlockTokens, group.Length)]);
                tops[blocks++] = top < cut.Value ? float.NegativeInfinity : top;
            }

            Span<float> weights = tops[..blocks];
            Softmax.Weights(weights, row.Highest, temperature, weights);
            if (TensorPrimitives.Max<float>(weights) * search.Reach < LeastExponential)
            {
                continue;
            }

            Philox.Group(words, seed, LeastCounter(start));
            for (int block = 0; block < blocks; block++)
            {
                ulong bits = LeastBits(words[block], words[Philox.GroupBlocks + block]);

                // -log u is no less than 1 - u.
                if ((1 - Uniform(bits)) / BlockTokens <= weights[block] * search.Reach)
                {
                    search.Look(
                        start + block * BlockTokens, weights[block], Exponential(bits) / BlockTokens, Holder(words[2 * Philox.GroupBlocks + block]));
                }
            }
        }

        return search.Best;
    }

    /// <summary>Natural logarithm of a positive normal number, to about 2 units in the last place, the same everywhere.</summary>
    internal static double Log(double x)
    {
        const double Ln2 = 0.693147180559945309417232121458;
        long bits = BitConverter.DoubleToInt64Bits(x);
        int exponent = (int)(bits >> 52) - 1023;
        double mantissa = BitConverter.Int64BitsToDouble((bits & 0xFFFFFFFFFFFFF) | (1023L << 52));
        if (mantissa > 1.4142135623730951)
        {
            mantissa *= 0.5;
            exponent++;
        }

        // log m = 2 artanh t with t = (m - 1) / (m + 1), |t| < 0.172.
        double t = (mantissa - 1) / (mantissa + 1);
        double t2 = t * t;
        double sum = 0;
        for (int term = 23; term >= 1; term -= 2)
        {
            sum = sum * t2 + 1.0 / term;
        }

        return exponent * Ln2 + 2 * t * sum;
    }

    private static double Uniform(ulong bits) => (bits + 0.5) * (1.0 / (1UL << Bits));

    private static double Exponential(ulong bits) => -Log(Uniform(bits));

    // The least bits whose exponential may be below a number, with some to spare for the rounding of this one.
    private static ulong BitsBelow(double exponential) => (ulong)Math.Max(0, Math.Exp(-exponential) * (1.0 - 1e-9) * (1UL << Bits) - 2);

    private static ulong LeastBits(uint word0, uint word1) => ((ulong)word0 << (Bits - 32)) | (word1 >> (64 - Bits));

    // The token of a block that has its least exponential.
    private static int Holder(uint word) => (int)(word % BlockTokens);

    // The first 64 of 128 tokens take the lower halves of a group's words, the others the upper halves.
    private static uint Half(uint word, int token) => token % BlockTokens < Philox.GroupWords ? word & 0xFFFF : word >> 16;

    private uint Upper(int token) => Half(
        Philox.Block(seed, UpperCounter(token) + Vector128.CreateScalar((uint)token % Philox.GroupBlocks))[token / Philox.GroupBlocks % 4], token);

    private void Uppers(int start, Span<uint> words) => Philox.Group(words, seed, UpperCounter(start));

    private ulong BitsOf(int token, uint upper)
    {
        Vector128<uint> lower = Philox.Block(seed, Vector128.Create((uint)token, position, choice, LowerPurpose));
        return ((ulong)upper << LowerBits) | ((ulong)lower[0] << (LowerBits - 32)) | (lower[1] >> (64 - LowerBits));
    }

    private Vector128<uint> UpperCounter(int token) =>
        Vector128.Create((uint)(token / BlockTokens * Philox.GroupBlocks), position, choice, UpperPurpose);

    private Vector128<uint> LeastCounter(int token) =>
        Vector128.Create((uint)(token / GroupTokens * Philox.GroupBlocks), position, choice, LeastPurpose);

    // The best token so far, and what another needs to be better.
    private ref struct Search
    {
        // Exponentials that tell which tokens are looked at are rounded: some more are.
        private const double Spare = 1 + 1e-4;

        private readonly GumbelNoise _noise;
        private readonly LogitRow _row;
        private readonly LogitCut _cut;
        private readonly float _temperature;
        private double _score;

        public Search(GumbelNoise noise, LogitRow row, LogitCut cut, float temperature)
        {
            _noise = noise;
            _row = row;
            _cut = cut;
            _temperature = temperature;
            Best = row.Best;
            SetScore(noise.Of(row.Best));
        }

        /// <summary>The best token so far.</summary>
        public int Best { get; private set; }

        /// <summary>A token of the weight w can only win with an exponential up to w times this.</summary>
        public double Reach { get; private set; }

        /// <summary>Looks for a better token in a block.</summary>
        /// <param name="start">The block's first token.</param>
        /// <param name="weight">The highest weight of its tokens.</param>
        /// <param name="least">The least of its exponentials.</param>
        /// <param name="holder">Which of its tokens has that.</param>
        public void Look(int start, double weight, double least, int holder)
        {
            if (least > weight * Reach)
            {
                return;
            }

            ReadOnlySpan<float> block = _row.Logits[start..Math.Min(start + BlockTokens, _row.Logits.Length)];
            if (holder < block.Length && _cut.Keeps(block[holder], start + holder))
            {
                Offer(start + holder, least);
            }

            ulong needed = BitsBelow(weight * Reach - least) >> LowerBits;
            Span<uint> words = stackalloc uint[Philox.GroupWords];
            _noise.Uppers(start, words);
            if (TensorPrimitives.Max<ushort>(MemoryMarshal.Cast<uint, ushort>(words)) < needed)
            {
                return;
            }

            for (int i = 0; i < block.Length; i++)
            {
                uint upper = Half(words[i % Philox.GroupWords], i);
                if (upper >= needed && i != holder && _cut.Keeps(block[i], start + i))
                {
                    Offer(start + i, least + Exponential(_noise.BitsOf(start + i, upper)));
                }
            }
        }

        private void Offer(int token, double exponential)
        {
            // Counted from the highest logit: at a small temperature logit / temperature is so large that noise drowns in it.
            double score = ((double)_row.Logits[token] - _row.Highest) / _temperature - Log(exponential);
            if (score > _score || (score == _score && token < Best))
            {
                Best = token;
                SetScore(score);
            }
        }

        private void SetScore(double score)
        {
            _score = score;
            Reach = Math.Exp(-score) * Spare;
        }
    }
}
