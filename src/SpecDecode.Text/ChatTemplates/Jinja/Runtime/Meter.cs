using System.Runtime.CompilerServices;
using SpecDecode.ChatTemplates.Jinja.Syntax;

namespace SpecDecode.ChatTemplates.Jinja.Runtime;

/// <summary>Counts what one rendering uses up, stops it at its limits and on cancellation, and knows where it stands.</summary>
internal sealed class Meter(RenderLimits limits, CancellationToken cancellationToken)
{
    private const int StepsBetweenLooks = 4096;

    private long _steps;
    private long _lastUnlooked = Math.Min(StepsBetweenLooks, limits.Steps);
    private int _callDepth;

    /// <summary>The place of the operation that is being done.</summary>
    public Position At { get; set; }

    /// <summary>Whether constant expressions are evaluated as Jinja2 does beforehand.</summary>
    public bool FoldsConstants { get; set; }

    /// <summary>Whether one is being evaluated so.</summary>
    public bool IsFolding { get; set; }

    public RenderLimits Limits => limits;

    /// <summary>What the values hold.</summary>
    public MemoryAccount Memory { get; } = new(limits.MemoryBytes);

    /// <summary>One expression, statement or element.</summary>
    public void Step() => Work(1);

    /// <summary>Work in units of a step.</summary>
    public void Work(long steps)
    {
        _steps += steps;
        if (_steps > _lastUnlooked)
        {
            Look();
        }
    }

    /// <summary>Characters that are looked at.</summary>
    public void Scan(long characters) => Work((characters >> 5) + 1);

    /// <summary>Characters of a new text.</summary>
    public void AllocateText(long characters)
    {
        if (characters > limits.OutputLength)
        {
            throw TemplateError.Limit($"a text is longer than {limits.OutputLength} characters", nameof(ChatTemplateLimits.MaxOutputLength));
        }

        Memory.Make(characters * sizeof(char));
        Work(characters >> 5);
    }

    /// <summary>Elements of a new list.</summary>
    public void AllocateItems(long count)
    {
        Memory.Make(count * 32);
        Work(count >> 2);
    }

    /// <summary>Elements of a new list that are there already.</summary>
    public void AllocateReferences(long count)
    {
        Memory.Make(BytesOfReferences(count));
        Work(count >> 2);
    }

    /// <summary>What a list of elements that are there already takes.</summary>
    public static long BytesOfReferences(long count) => count * 8;

    /// <summary>Goes into a macro, a caller or a level of a recursive loop; <see cref="Leave"/> goes out.</summary>
    public void Enter()
    {
        if (++_callDepth > limits.CallDepth)
        {
            throw TemplateError.Limit($"macros and recursive loops are nested deeper than {limits.CallDepth}", nameof(ChatTemplateLimits.MaxCallDepth));
        }
    }

    public void Leave() => _callDepth--;

    /// <summary>Whatever recurses looks here before it goes deeper.</summary>
    public static void EnsureStack()
    {
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            throw TooDeep();
        }
    }

    /// <summary>The same for values inside values.</summary>
    public static void EnsureDepth(int depth)
    {
        if (depth > RenderLimits.ValueDepth || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            throw TooDeep();
        }
    }

    private static TemplateError TooDeep() => new("RecursionError", "expressions or values are nested too deeply.");

    private void Look()
    {
        if (_steps > limits.Steps)
        {
            throw TemplateError.Limit($"the template takes more than {limits.Steps} steps", nameof(ChatTemplateLimits.MaxSteps));
        }

        cancellationToken.ThrowIfCancellationRequested();
        _lastUnlooked = Math.Min(_steps + StepsBetweenLooks, limits.Steps);
    }
}
