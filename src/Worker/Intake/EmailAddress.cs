using System.Buffers;
using System.Globalization;

namespace LeadPipeline.Worker.Intake;

/// <summary>
/// Decides what counts as an e-mail address: a dot-atom local part of at most 64 characters (letters of any script) and a
/// domain name with at least one dot, which may be internationalised. Quoted local parts, comments and address literals
/// are legal mail but never a person's contact address, and are refused. One pass over the characters, no patterns.
/// </summary>
public static class EmailAddress
{
    /// <summary>The longest address that mail can carry.</summary>
    public const int MaxLength = 254;

    private static readonly SearchValues<char> LocalAscii =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.!#$%&'*+/=?^_`{|}~-");

    private static readonly IdnMapping Idn = new() { UseStd3AsciiRules = true };

    /// <summary>
    /// The address in lower case, an internationalised domain in its readable form (<c>xn--bcher-kva.de</c> is
    /// <c>bücher.de</c>); or what is wrong with it, completing "email …".
    /// </summary>
    public static bool TryNormalise(string cleaned, out string address, out string problem)
    {
        address = "";
        var at = cleaned.LastIndexOf('@');
        if (at < 0)
            return Fail("has no @", out problem);
        if (at == 0 || at == cleaned.Length - 1)
            return Fail("needs something on both sides of the @", out problem);

        var local = cleaned.AsSpan(0, at);
        if (local.Length > 64)
            return Fail("has more than 64 characters before the @", out problem);
        if (local[0] == '.' || local[^1] == '.' || local.IndexOf("..", StringComparison.Ordinal) >= 0 || !IsLocal(local))
            return Fail("has characters before the @ that cannot be there", out problem);

        if (Domain(cleaned[(at + 1)..]) is not { } domain)
            return Fail("has no valid domain after the @", out problem);

        // Lower case can undo the normal form of a few letters outside ASCII; clean again, so that reading twice changes nothing.
        var lower = cleaned[..at].ToLowerInvariant();
        address = (System.Text.Ascii.IsValid(lower) ? lower : LeadText.Clean(lower)) + "@" + domain;
        return address.Length <= MaxLength
            ? (problem = "") == ""
            : Fail($"has more than {MaxLength} characters", out problem);
    }

    private static bool Fail(string why, out string problem)
    {
        problem = why;
        return false;
    }

    private static bool IsLocal(ReadOnlySpan<char> local)
    {
        if (!local.ContainsAnyExcept(LocalAscii))
            return true;
        foreach (var rune in local.EnumerateRunes())
        {
            var fits = rune.IsAscii
                ? LocalAscii.Contains((char)rune.Value)
                : System.Text.Rune.IsLetterOrDigit(rune) || System.Text.Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark;
            if (!fits)
                return false;
        }
        return true;
    }

    /// <summary>A domain in lower case and readable form, or null when it is none.</summary>
    public static string? Domain(string text)
    {
        if (text.Length > 253)
            return null;
        var lower = text.ToLowerInvariant();
        if (!System.Text.Ascii.IsValid(lower) || lower.Contains("xn--", StringComparison.Ordinal))
        {
            try
            {
                var ascii = Idn.GetAscii(lower);
                lower = Idn.GetUnicode(ascii).ToLowerInvariant();
                return HasLabels(ascii) && LeadText.Clean(lower) == lower ? lower : null;
            }
            catch (ArgumentException)
            {
                return null;
            }
        }
        return HasLabels(lower) ? lower : null;
    }

    private static bool HasLabels(ReadOnlySpan<char> domain)
    {
        var labels = 0;
        while (true)
        {
            var dot = domain.IndexOf('.');
            var label = dot < 0 ? domain : domain[..dot];
            if (label.Length is 0 or > 63 || label[0] == '-' || label[^1] == '-')
                return false;
            foreach (var c in label)
                if (!char.IsAsciiLetterOrDigit(c) && c != '-')
                    return false;
            labels++;
            if (dot < 0)
                // A last label of digits only would be the end of an IP address.
                return labels > 1 && label.ContainsAnyExceptInRange('0', '9') && label.Length > 1;
            domain = domain[(dot + 1)..];
        }
    }
}
