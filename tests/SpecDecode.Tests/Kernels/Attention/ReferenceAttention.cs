namespace SpecDecode.Tests.Kernels.Attention;

/// <summary>Attention written down in doubles, position by position, from the rows of a sequence alone.</summary>
internal static class ReferenceAttention
{
    /// <summary>The result of a row.</summary>
    public static double[] Row(AttentionCase attention, AttentionSetup setup, int sequence, int row)
    {
        int size = attention.HeadSize, group = attention.QueryHeads / attention.KeyValueHeads;
        double[] result = new double[attention.OutputWidth];
        int first = attention.Window is { } window ? Math.Max(0, row - window + 1) : 0;
        for (int head = 0; head < attention.QueryHeads; head++)
        {
            double[] query = Head(attention, setup, sequence, row, head, turns: true);
            List<double> scores = [];
            for (int position = first; position <= row; position++)
            {
                double[] key = Head(attention, setup, sequence, position, attention.QueryHeads + head / group, turns: true);
                double score = query.Zip(key, (a, b) => a * b).Sum() / Math.Sqrt(size);
                scores.Add(attention.SoftCap == 0 ? score : attention.SoftCap * Math.Tanh(score / attention.SoftCap));
            }

            double highest = Math.Max(scores.Max(), setup.Sink(head) ?? double.NegativeInfinity);
            double total = scores.Sum(score => Math.Exp(score - highest)) + (setup.Sink(head) is { } sink ? Math.Exp(sink - highest) : 0);
            for (int i = 0; i < scores.Count; i++)
            {
                double[] value = Head(attention, setup, sequence, first + i, attention.QueryHeads + attention.KeyValueHeads + head / group, turns: false);
                for (int channel = 0; channel < size; channel++)
                {
                    result[head * size + channel] += Math.Exp(scores[i] - highest) / total * value[channel];
                }
            }
        }

        return result;
    }

    private static double[] Head(AttentionCase attention, AttentionSetup setup, int sequence, int position, int head, bool turns)
    {
        int size = attention.HeadSize, half = size / 2;
        ReadOnlySpan<float> from = setup.Rows[sequence].AsSpan(position * attention.PackedWidth + head * size, size);
        double[] to = new double[size];
        for (int i = 0; i < half; i++)
        {
            double cosine = turns && attention.Rotates ? setup.Cosines(sequence, position)[i] : 1;
            double sine = turns && attention.Rotates ? setup.Sines(sequence, position)[i] : 0;
            to[i] = from[i] * cosine - from[half + i] * sine;
            to[half + i] = from[half + i] * cosine + from[i] * sine;
        }

        return to;
    }
}
