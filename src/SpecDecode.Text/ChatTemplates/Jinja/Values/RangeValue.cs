using SpecDecode.ChatTemplates.Jinja.Runtime;

namespace SpecDecode.ChatTemplates.Jinja.Values;

/// <summary>The numbers of a <c>range</c>, which are not stored.</summary>
internal sealed class RangeValue
{
    /// <exception cref="TemplateError">The step is zero or the range too long.</exception>
    public RangeValue(long start, long stop, long step)
    {
        if (step == 0)
        {
            throw TemplateError.Value("range() arg 3 must not be zero");
        }

        Int128 distance = step > 0 ? (Int128)stop - start : (Int128)start - stop;
        Int128 stride = Int128.Abs(step);
        Int128 count = distance <= 0 ? 0 : (distance + stride - 1) / stride;
        if (count > RenderLimits.RangeLength)
        {
            throw TemplateError.Overflow(
                $"Range too big. The sandbox blocks ranges larger than MAX_RANGE ({RenderLimits.RangeLength}).");
        }

        (Start, Stop, Step, Count) = (start, stop, step, (int)count);
    }

    public long Start { get; }

    public long Stop { get; }

    public long Step { get; }

    public int Count { get; }

    public long At(int index) => Start + (index * Step);

    /// <summary>Where a number stands, or -1.</summary>
    public int IndexOf(object? value)
    {
        if (value is double real && double.IsInteger(real) && Math.Abs(real) < 1e18)
        {
            value = (long)real;
        }

        if (value is bool truth)
        {
            value = truth ? 1L : 0L;
        }

        if (value is not long number)
        {
            return -1;
        }

        Int128 distance = (Int128)number - Start;
        Int128 index = distance / Step;
        return distance % Step == 0 && index >= 0 && index < Count ? (int)index : -1;
    }
}
