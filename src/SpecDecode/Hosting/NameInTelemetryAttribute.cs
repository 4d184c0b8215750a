using System.ComponentModel.DataAnnotations;

namespace SpecDecode.Hosting;

/// <summary>An option is a name that labels of metrics and lines of logs can carry.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class NameInTelemetryAttribute : ValidationAttribute
{
    /// <summary>Most characters.</summary>
    public const int MaxLength = 100;

    protected override ValidationResult? IsValid(object? value, ValidationContext validationContext) =>
        value is string name && Problem(name) is { } problem ? new ValidationResult($"{OptionPath.Of(validationContext)} {problem}") : ValidationResult.Success;

    /// <summary>Why a text is no such name, behind what it is the name of; null where it is one, or empty.</summary>
    public static string? Problem(string name) => name.Length <= MaxLength && !name.Any(char.IsControl) && name == name.Trim() ? null
        : $"has {(name.Length > MaxLength ? $"{name.Length} characters" : "a control character or a space at an end")}: give at most {MaxLength} that can stand in a label.";
}
