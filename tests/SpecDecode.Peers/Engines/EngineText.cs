using System.Globalization;

namespace SpecDecode.Peers.Engines;

/// <summary>A text that an engine wrote.</summary>
/// <param name="Milliseconds">From its first new token to its last.</param>
/// <param name="Tokens">The new tokens.</param>
internal sealed record EngineText(double Milliseconds, int[] Tokens)
{
    /// <summary>New tokens after the first, in a second.</summary>
    public double TokensPerSecond => (Tokens.Length - 1) / Milliseconds * 1000;

    /// <summary>Reads a line of <see cref="EngineCommand"/>.</summary>
    public static EngineText Parse(string line)
    {
        string[] parts = line.Split(' ');
        return new EngineText(
            double.Parse(parts[0], CultureInfo.InvariantCulture),
            [.. parts[1].Split(',').Select(token => int.Parse(token, CultureInfo.InvariantCulture))]);
    }

    /// <summary>How many tokens are the same before the first that differs.</summary>
    public int InCommon(EngineText other) => Tokens.Zip(other.Tokens).TakeWhile(pair => pair.First == pair.Second).Count();
}
