using System.Globalization;

namespace SpecDecode.Tool;

/// <summary>A share of some work as a line of progress.</summary>
/// <param name="line">Where it is shown.</param>
/// <param name="what">The work, in words.</param>
internal sealed class ShownProgress(ProgressLine line, string what) : IProgress<double>
{
    /// <inheritdoc/>
    public void Report(double value) => line.Show(() => string.Create(CultureInfo.InvariantCulture, $"{what} {100 * value:f0} %"));
}
