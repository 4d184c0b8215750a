using SpecDecode.Evaluation;

namespace SpecDecode.LayerSearch;

/// <summary>A text that was kept to judge plans on.</summary>
/// <param name="text">The text.</param>
/// <param name="isHeldOut">Whether it is for plans that did well on others.</param>
internal sealed class KeptText(WrittenText text, bool isHeldOut)
{
    /// <summary>The text. Its cache has entries of all tokens but the last, but while plans are judged on it.</summary>
    public WrittenText Text { get; } = text;

    /// <summary>Whether it is for plans that did well on others.</summary>
    public bool IsHeldOut { get; } = isHeldOut;

    /// <summary>Whether a comparison needs it still.</summary>
    public bool IsInUse { get; set; }
}
