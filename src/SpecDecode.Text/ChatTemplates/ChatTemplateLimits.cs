using SpecDecode.ChatTemplates.Jinja.Runtime;

namespace SpecDecode.ChatTemplates;

/// <summary>
/// What a chat template may use up before its rendering ends in a <see cref="ChatTemplateException"/> that names the bound.
/// Bounds that are not set grow with what is rendered, so that they do not refuse a long conversation and still end a
/// template that goes on for ever.
/// </summary>
/// <remarks>
/// The defaults count an input in <em>entries</em> (elements of messages, tools, documents, and of variables that are arrays),
/// <em>values</em> (all JSON values in it) and <em>characters</em> (of its texts and names, in UTF-16 units). Looking at all
/// of it once takes <c>values + characters / 32</c> steps, its <em>size</em>.
/// </remarks>
public sealed record ChatTemplateLimits
{
    private const long BaseSteps = 5_000_000;
    private const long StepsPerSize = 1000;
    private const long StepsPerPair = 4;
    private const long MostSteps = 1_000_000_000;
    private const long BaseMemory = 192L << 20;
    private const long MemoryPerByte = 16;
    private const long BaseOutput = 16L << 20;
    private const long OutputPerCharacter = 32;
    private const int MostOutput = 256 << 20;

    /// <summary>Bounds that grow with what is rendered.</summary>
    public static ChatTemplateLimits Default { get; } = new();

    /// <summary>Evaluated expressions, executed statements and visited elements; work on 32 characters of a text counts as one.</summary>
    /// <value>
    /// Null by default: 5,000,000 + 1000 × size + 4 × size × entries, at most 1,000,000,000. The second term is for templates that
    /// go through texts piece by piece, the third for those that go through the whole conversation at each message.
    /// </value>
    /// <exception cref="ArgumentOutOfRangeException">It is less than 1.</exception>
    public long? MaxSteps { get; init => field = Positive(value, nameof(MaxSteps)); }

    /// <summary>
    /// Bytes of the texts and lists that the template has made and may still use, its output among them. They are counted from
    /// above: what a statement or a loop's round made counts until it ends, and what a namespace took until the end.
    /// </summary>
    /// <value>Null by default: 192 MB + 16 × (32 × values + 2 × characters), sixteen times what the input itself takes.</value>
    /// <exception cref="ArgumentOutOfRangeException">It is less than 1.</exception>
    public long? MaxMemoryBytes { get; init => field = Positive(value, nameof(MaxMemoryBytes)); }

    /// <summary>UTF-16 units of the prompt, and of any text on the way to it.</summary>
    /// <value>Null by default: 16,777,216 + 32 × characters, at most 268,435,456.</value>
    /// <exception cref="ArgumentOutOfRangeException">It is less than 1.</exception>
    public int? MaxOutputLength { get; init => field = (int?)Positive(value, nameof(MaxOutputLength)); }

    /// <summary>Macros, callers and recursive loops inside each other. The thread's stack is a bound of its own.</summary>
    /// <value>The default is 200, where Jinja2 ends on Python's default stack.</value>
    /// <exception cref="ArgumentOutOfRangeException">It is less than 1.</exception>
    public int MaxCallDepth { get; init => field = (int)Positive(value, nameof(MaxCallDepth))!; } = 200;

    /// <summary>The bounds for an input.</summary>
    internal RenderLimits For(InputSize size) => new()
    {
        Steps = MaxSteps ?? (long)Math.Min(MostSteps, BaseSteps + (size.Steps * (StepsPerSize + ((double)StepsPerPair * size.Entries)))),
        MemoryBytes = MaxMemoryBytes ?? (BaseMemory + (size.Bytes * MemoryPerByte)),
        OutputLength = MaxOutputLength ?? (int)Math.Min(MostOutput, BaseOutput + (size.Characters * OutputPerCharacter)),
        CallDepth = MaxCallDepth,
    };

    private static long? Positive(long? value, string option) => value is null or > 0 ? value
        : throw new ArgumentOutOfRangeException(option, value, "A bound of a template must be at least 1.");
}
