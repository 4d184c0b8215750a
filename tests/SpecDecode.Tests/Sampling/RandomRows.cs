using SpecDecode.Sampling;

namespace SpecDecode.Tests.Sampling;

/// <summary>Rows of logits and options of many shapes, drawn by a seed.</summary>
internal sealed class RandomRows(int seed)
{
    private readonly Random _random = new(seed);

    /// <summary>A row with ties, masked tokens, or one or the other; its highest logit is finite.</summary>
    public float[] Row(int maxLength = 700)
    {
        float[] row = new float[_random.Next(1, maxLength)];
        float spread = (float)Math.Pow(10, _random.NextDouble() * 3 - 1);

        // 0 has no ties to speak of; 1 and 2 have steps, so that many tokens tie.
        float step = _random.Next(3) switch { 0 => 0, 1 => spread / 4, _ => spread / 40 };
        double masked = _random.Next(3) == 0 ? _random.NextDouble() : 0;
        for (int token = 0; token < row.Length; token++)
        {
            float logit = (float)Normal() * spread;
            row[token] = _random.NextDouble() < masked ? float.NegativeInfinity : step > 0 ? MathF.Round(logit / step) * step : logit;
        }

        if (row.All(float.IsNegativeInfinity))
        {
            row[_random.Next(row.Length)] = 0;
        }

        return row;
    }

    /// <summary>Options with any of the limits, or several.</summary>
    public SamplingOptions Options() => new()
    {
        Temperature = _random.Next(4) == 0 ? 1 : (float)Math.Pow(10, _random.NextDouble() * 3 - 1.5),
        TopK = _random.Next(2) == 0 ? 0 : _random.Next(1, _random.Next(2) == 0 ? 8 : 900),
        TopP = _random.Next(2) == 0 ? 1 : _random.Next(3) == 0 ? 0.999f : _random.NextSingle() * 0.999f + 0.001f,
        MinP = _random.Next(2) == 0 ? 0 : _random.Next(6) == 0 ? 1 : (float)Math.Pow(10, -4 * _random.NextDouble()),
        TopNSigma = _random.Next(3) > 0 ? 0 : 4 * _random.NextSingle(),
        Seed = _random.NextInt64(long.MinValue, long.MaxValue),
        ChoiceIndex = _random.Next(3) == 0 ? _random.Next() : 0,
    };

    /// <summary>A number below a limit.</summary>
    public int Below(int limit) => _random.Next(limit);

    /// <summary>A number in [0, 1).</summary>
    public double Uniform() => _random.NextDouble();

    private double Normal() => Math.Sqrt(-2 * Math.Log(1 - _random.NextDouble())) * Math.Cos(Math.Tau * _random.NextDouble());
}
