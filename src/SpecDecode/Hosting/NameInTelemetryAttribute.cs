using System.ComponentModel.DataAnnotations;

namespace SpecDecode.Hosting;

/// <summary>An option is a name that labels of metrics and lines of logs can carry.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class NameInTelemetryAttribute : ValidationAttribute
{
    /// <summary>Most characters.</summary>
    public const int MaxLength = 100;

    protected override ValidationResult? IsValid(object? value, ValidationContext validationContext) =>
        value is not string name || (name.Length <= MaxLength && !name.Any(char.IsControl) && name == name.Trim()) ? ValidationResult.Success
        : new ValidationResult(
            $"{OptionPath.Of(validationContext)} has {(name.Length > MaxLength ? $"{name.Length} characters" : "a control character or a space at an end")}: give at most {MaxLength} that can stand in a label.");
}
