using System.Globalization;
using System.Numerics.Tensors;
using SpecDecode.Caching;
using SpecDecode.OnnxRuntime.Stages;
using SpecDecode.Plans;
using SpecDecode.Stages;

namespace SpecDecode.Benchmarks;

/// <summary>
/// How far the logits of a fused session are from those of the stages over the text that the stages write, and by how much each leads
/// where the two choose another token. A difference in the last bits is enough for that: where rows are rounded to 8 bits, it
/// moves a number by a whole step.
/// </summary>
/// <param name="Tokens">Tokens that were chosen.</param>
/// <param name="Parted">Those that the fused session would choose otherwise.</param>
/// <param name="Difference">The largest difference between two logits; 0 where all bits are the same.</param>
/// <param name="Lead">The largest lead, in either, of its token over the other's, where the two part.</param>
/// <param name="Deviation">The standard deviation of the stages' logits at their largest, for a scale of these numbers.</param>
internal sealed record FusedAgreement(int Tokens, int Parted, double Difference, double Lead, double Deviation)
{
    /// <summary>Decodes token by token, the fused session with the tokens of the stages.</summary>
    public static FusedAgreement Of(OnnxStages stages, FusedDecoder fused, ReadOnlySpan<int> prompt, int length)
    {
        using KvCache cache = new(stages.Pages, length);
        RowBatch batch = new(1);
        LayerPlan plan = LayerPlan.Full(stages.LayerCount);
        FusedAgreement agreement = new(0, 0, 0, 0, 0);
        int token = prompt[0];
        for (int position = 0; position < length - 1; position++)
        {
            batch.Clear();
            cache.Hold(position + 1);
            batch.Add(cache, position, token);
            stages.Embed(batch);
            Pass.Run(stages, plan.Blocks.AsSpan(), batch);
            ReadOnlySpan<float> own = stages.Head([0]);
            ReadOnlySpan<float> other = fused.Next(token, position);
            agreement = agreement with
            {
                Difference = Math.Max(agreement.Difference, Apart(own, other)), Deviation = Math.Max(agreement.Deviation, TensorPrimitives.StdDev(own)),
            };
            if (position + 1 < prompt.Length)
            {
                token = prompt[position + 1];
                continue;
            }

            token = TensorPrimitives.IndexOfMax(own);
            int otherToken = TensorPrimitives.IndexOfMax(other);
            agreement = agreement with
            {
                Tokens = agreement.Tokens + 1,
                Parted = agreement.Parted + (token == otherToken ? 0 : 1),
                Lead = Math.Max(agreement.Lead, Math.Max(own[token] - own[otherToken], other[otherToken] - other[token])),
            };
        }

        return agreement;
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        if (Difference == 0)
        {
            return "all logits the same, bit for bit";
        }

        string parted = Parted == 0 ? "all the same" : string.Create(CultureInfo.InvariantCulture, $"{Parted} differ, where the chosen leads the other by up to {Lead:g2}");
        return string.Create(CultureInfo.InvariantCulture, $"{Tokens} tokens, {parted}; logits, whose deviation is {Deviation:g2}, up to {Difference:g2} apart");
    }

    private static double Apart(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double largest = 0;
        for (int i = 0; i < a.Length; i++)
        {
            // What is no number is as far as can be.
            double apart = Math.Abs((double)a[i] - b[i]);
            largest = apart >= 0 ? Math.Max(largest, apart) : double.PositiveInfinity;
        }

        return largest;
    }
}
