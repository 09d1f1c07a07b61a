using System.Text;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;

namespace LeadPipeline.Worker.Intake.Forms;

/// <summary>
/// Reads the body of an HTML form, urlencoded or multipart, in the character set that it declares. Every byte has to be a character of it:
/// what would come out as a question mark is refused with the field's name. Files are refused.
/// </summary>
public static class FormBody
{
    /// <summary>Fields that a form may have.</summary>
    public const int MaxFields = 200;

    private const int MaxName = 200;
    private const string UrlEncoded = "application/x-www-form-urlencoded", Multipart = "multipart/form-data";

    /// <summary>The field in which browsers say the character set of a form that asks for it.</summary>
    private const string CharsetField = "_charset_";

    /// <summary>Whether a body of this type is a form.</summary>
    public static bool IsForm(MediaTypeHeaderValue type) => type.MediaType == UrlEncoded || type.MediaType == Multipart;

    /// <summary>Reads a body. Never throws on any bytes.</summary>
    public static FormReading Read(MediaTypeHeaderValue type, byte[] bytes)
    {
        try
        {
            var raw = type.MediaType == Multipart ? Parts(type, bytes) : Pairs(bytes);
            var declared = type.Charset.HasValue ? HeaderUtilities.RemoveQuotes(type.Charset).ToString()
                : raw.Find(f => f.Name.AsSpan().SequenceEqual("_charset_"u8)) is { Value: { } said } ? Encoding.ASCII.GetString(said) : "utf-8";
            return Charset(declared) is { } charset ? Decode(raw, charset) : new FormReading.Refused(415, "unsupported-charset", "Send UTF-8, or ISO-8859-1 and say so.");
        }
        catch (FormFaultException fault)
        {
            return fault.Refusal;
        }
    }

    private static FormReading.Fields Decode(List<(byte[] Name, byte[] Value)> raw, Encoding charset)
    {
        var fields = new List<(string Name, string Value)>(raw.Count);
        var places = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var (nameBytes, valueBytes) in raw)
        {
            var name = Text(nameBytes, charset, "(a field name)");
            if (name.Length is 0 or > MaxName)
                throw Fault(new FieldError("(a field name)", name.Length == 0 ? "is empty" : $"is longer than {MaxName} characters", "name every field of the form"));
            var value = Text(valueBytes, charset, LeadReader.Shown(name));
            if (name == CharsetField)
                continue;
            // Boxes that are ticked together have one name.
            if (places.TryAdd(name, fields.Count))
                fields.Add((name, value));
            else
                fields[places[name]] = (name, Joined(fields[places[name]].Value, value));
        }
        return new FormReading.Fields(fields);
    }

    private static string Joined(string first, string second) => first.Length == 0 ? second : second.Length == 0 ? first : $"{first}, {second}";

    private static string Text(byte[] bytes, Encoding charset, string field)
    {
        try
        {
            var text = charset.GetString(bytes);
            return text.Contains('\0', StringComparison.Ordinal) ? throw Fault(new FieldError(field, "holds a NUL character", "remove it from the text")) : text;
        }
        catch (DecoderFallbackException)
        {
            throw Fault(new FieldError(field, "has bytes that are no characters of the form's character set", "send UTF-8, or declare the character set"));
        }
    }

    private static List<(byte[] Name, byte[] Value)> Pairs(ReadOnlySpan<byte> bytes)
    {
        var pairs = new List<(byte[], byte[])>();
        foreach (var range in bytes.Split((byte)'&'))
        {
            var pair = bytes[range];
            if (pair.IsEmpty)
                continue;
            if (pairs.Count == MaxFields)
                throw TooMany();
            var equals = pair.IndexOf((byte)'=');
            pairs.Add((Unescape(equals < 0 ? pair : pair[..equals]), Unescape(equals < 0 ? [] : pair[(equals + 1)..])));
        }
        return pairs;
    }

    /// <summary>As browsers escape: a plus is a space, and a percent sign before anything but two hex digits is itself.</summary>
    private static byte[] Unescape(ReadOnlySpan<byte> escaped)
    {
        var plain = new byte[escaped.Length];
        var length = 0;
        for (var i = 0; i < escaped.Length; i++)
        {
            if (escaped[i] == '%' && i + 2 < escaped.Length && char.IsAsciiHexDigit((char)escaped[i + 1]) && char.IsAsciiHexDigit((char)escaped[i + 2]))
            {
                plain[length++] = Convert.FromHexString(Encoding.ASCII.GetString(escaped.Slice(i + 1, 2)))[0];
                i += 2;
            }
            else
            {
                plain[length++] = escaped[i] == '+' ? (byte)' ' : escaped[i];
            }
        }
        return plain[..length];
    }

    private static List<(byte[] Name, byte[] Value)> Parts(MediaTypeHeaderValue type, byte[] bytes)
    {
        var boundary = HeaderUtilities.RemoveQuotes(type.Boundary).ToString();
        if (boundary.Length is 0 or > 70)
            throw Fault(new FieldError("$", "has no boundary between its parts", "say it in the content type, at most 70 characters"));
        try
        {
            var reader = new MultipartReader(boundary, new MemoryStream(bytes)) { HeadersCountLimit = 16, HeadersLengthLimit = 8192, BodyLengthLimit = RequestBody.MaxBytes };
            var parts = new List<(byte[], byte[])>();
            // The stream is memory: nothing waits.
            while (reader.ReadNextSectionAsync().GetAwaiter().GetResult() is { } section)
            {
                if (parts.Count == MaxFields)
                    throw TooMany();
                if (Part(section) is { } part)
                    parts.Add(part);
            }
            return parts;
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException)
        {
            throw Fault(new FieldError("$", "is not multipart/form-data from its first boundary to its last", "send the form as a browser does"));
        }
    }

    private static (byte[] Name, byte[] Value)? Part(MultipartSection section)
    {
        if (!ContentDispositionHeaderValue.TryParse(section.ContentDisposition, out var disposition) || disposition.DispositionType != "form-data" || !disposition.Name.HasValue)
            throw Fault(new FieldError("$", "has a part without a name", "send the form as a browser does"));
        var name = HeaderUtilities.RemoveQuotes(disposition.Name).ToString();
        using var value = new MemoryStream();
        section.Body.CopyTo(value);
        if (!disposition.FileName.HasValue && !disposition.FileNameStar.HasValue)
            return (Encoding.UTF8.GetBytes(name), value.ToArray());
        // A file field in which nothing was chosen is sent, too: an empty file without a name.
        return value.Length == 0 && HeaderUtilities.RemoveQuotes(disposition.FileName).Length == 0 ? null
            : throw Fault(new FieldError(LeadReader.Shown(name), "is a file", "leave files out of the form; a lead has none"));
    }

    /// <summary>Strict encodings. What the web calls Latin-1 is Windows-1252, and browsers send it so.</summary>
    private static Encoding? Charset(string name) => name.Trim().ToLowerInvariant() switch
    {
        "utf-8" or "utf8" or "us-ascii" => new UTF8Encoding(false, throwOnInvalidBytes: true),
        "iso-8859-1" or "latin1" or "windows-1252" => CodePagesEncodingProvider.Instance.GetEncoding(1252, EncoderFallback.ExceptionFallback, DecoderFallback.ExceptionFallback),
        _ => null,
    };

    private static FormFaultException TooMany() => new(new FormReading.Refused(413, "too-many", $"A form may have {MaxFields} fields."));

    private static FormFaultException Fault(FieldError error) => new(new FormReading.Refused(400, "invalid", "The form cannot be read.", error));

    /// <summary>Carries a refusal out of the reading; never leaves this class.</summary>
    private sealed class FormFaultException(FormReading.Refused refusal) : Exception
    {
        public FormReading.Refused Refusal { get; } = refusal;
    }
}
