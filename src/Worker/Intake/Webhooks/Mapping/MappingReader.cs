using System.Text;
using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.Intake.Webhooks.Signatures;
using LeadPipeline.Worker.Planning;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace LeadPipeline.Worker.Intake.Webhooks.Mapping;

/// <summary>What came of reading a mapping.</summary>
/// <param name="Result">The mapping; null when there are faults.</param>
/// <param name="Faults">Everything that is wrong, in the order of the file, each <c>file:line: message</c>.</param>
public sealed record MappingReading(MappingFile? Result, IReadOnlyList<string> Faults);

/// <summary>Reads a mapping file. All faults are told at once, each with its line.</summary>
public sealed class MappingReader
{
    // A mapping is written by hand; what is larger is something else.
    private const int MaxBytes = 256 * 1024;

    private static readonly string[] TopKeys = ["version", "signature", "trusted", "only", "leads", "key", "fields", "rest"];
    private static readonly string[] Plain = ["externalId", "source", "email", "firstName", "lastName", "name", "company", "title", "phone", "website", "country", "message", "campaignId", "receivedAt"];
    private static readonly string[] Blocks = ["customFields", "enrichment", "marketing", "product"];

    private readonly YamlFaults faults;

    private MappingReader(YamlFaults faults) => this.faults = faults;

    /// <summary>Reads a file.</summary>
    public static MappingReading Load(string path)
    {
        try
        {
            return Read(path, File.ReadAllBytes(path));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return new MappingReading(null, [$"{path}:1: the mapping cannot be read: {exception.Message}"]);
        }
    }

    /// <summary>Reads the bytes of a file.</summary>
    public static MappingReading Read(string file, byte[] bytes)
    {
        var faults = new YamlFaults(file);
        var mapping = Parse(bytes, faults) is { } root ? new MappingReader(faults).Root(root) : null;
        return faults.All is { Count: > 0 } all ? new(null, all) : new(mapping, []);
    }

    private static YamlMappingNode? Parse(byte[] bytes, YamlFaults faults)
    {
        if (bytes.Length > MaxBytes)
        {
            faults.Add(1, $"the file has {bytes.Length} bytes; a mapping has at most {MaxBytes}");
            return null;
        }
        try
        {
            var yaml = new YamlStream();
            yaml.Load(new StreamReader(new MemoryStream(bytes), new UTF8Encoding(false, throwOnInvalidBytes: true)));
            if (yaml.Documents is [{ RootNode: YamlMappingNode root }])
                return root;
            faults.Add(1, "the file holds no mapping; write version, signature and fields");
        }
        catch (YamlException exception)
        {
            faults.Add(exception.Start.Line, $"this is not YAML that can be read: {exception.InnerException?.Message ?? exception.Message}");
        }
        catch (DecoderFallbackException)
        {
            faults.Add(1, "the file is not UTF-8");
        }
        return null;
    }

    private MappingFile? Root(YamlMappingNode root)
    {
        faults.RefuseUnknownKeys(root, TopKeys);
        if (Text(root.Child("version")) != "1")
            faults.Add(root.Child("version") ?? root, "'version' is missing or another; write version: 1");
        var scheme = new MappingSignatureReader(faults).Read(root);
        var fields = Fields(root);
        var (keyHeader, key) = Key(root.Child("key"));
        return scheme is null ? null : new MappingFile
        {
            Scheme = scheme,
            Fields = fields,
            Trusted = Flag(root, "trusted", false),
            Rest = Flag(root, "rest", true),
            Leads = root.Child("leads") is { } leads ? Pointer(leads) : null,
            KeyHeader = keyHeader,
            Key = key,
            Only = Only(root.Child("only")),
        };
    }

    private List<MappedField> Fields(YamlMappingNode root)
    {
        var fields = new List<MappedField>();
        if (root.Child("fields") is not YamlMappingNode listed)
        {
            faults.Add(root.Child("fields") ?? root, "'fields' is missing or not a mapping; write for example  fields: { email: /email }");
            return fields;
        }
        foreach (var (key, node) in listed.Children)
        {
            var written = Text(key) ?? "";
            var dot = written.IndexOf('.', StringComparison.Ordinal);
            var (block, name) = dot < 0 ? (null, written) : (written[..dot], written[(dot + 1)..]);
            if (block is null ? !Plain.Contains(name) : !Blocks.Contains(block) || name.Length is 0 or > 100)
                faults.Add(key, $"'{written}' is no field of a lead; did you mean '{Nearest.To(written, Plain)}'? There are {string.Join(", ", Plain)}, and {string.Join(", ", Blocks.Select(b => b + ".NAME"))}");
            else if (Value(node) is { } value)
                fields.Add(new MappedField(block, name, value));
        }
        if (listed.Child("email") is null)
            faults.Add(listed, "no field is 'email', and a lead without one cannot be taken");
        return fields;
    }

    /// <summary>A pointer; <c>{ form: NAME }</c>; <c>{ constant: TEXT }</c>; <c>{ firstOf: [ … ] }</c>.</summary>
    private MappedValue? Value(YamlNode node) => Value(node, among: false);

    private MappedValue? Value(YamlNode node, bool among)
    {
        if (node is YamlScalarNode)
            return Pointer(node) is { } pointer ? new MappedValue.At(pointer) : null;
        if (node is YamlMappingNode { Children.Count: 1 } mapping)
        {
            if (mapping.Child("form") is YamlScalarNode { Value: { Length: > 0 } name })
                return new MappedValue.At(JsonPointer.Member(name));
            if (mapping.Child("constant") is YamlScalarNode { Value: { Length: > 0 } text })
                return new MappedValue.Constant(text);
            if (!among && mapping.Child("firstOf") is YamlSequenceNode { Children.Count: > 0 } list)
                return new MappedValue.FirstOf([.. list.Children.Select(n => Value(n, among: true)).OfType<MappedValue>()]);
        }
        faults.Add(node, "a value is a pointer such as /contact/email, or one of { form: NAME }, { constant: TEXT }, { firstOf: [ … ] }");
        return null;
    }

    private (string? Header, MappedValue? Value) Key(YamlNode? node) => node switch
    {
        null => (null, null),
        YamlMappingNode mapping when Text(mapping.Child("header")) is { Length: > 0 } header => (header, null),
        _ => (null, Value(node)),
    };

    private List<(JsonPointer At, IReadOnlyList<string> Texts)> Only(YamlNode? node)
    {
        var only = new List<(JsonPointer, IReadOnlyList<string>)>();
        if (node is not YamlMappingNode mapping)
        {
            if (node is not null)
                faults.Add(node, "'only' is a mapping of pointers to the texts that may stand there, such as  only: { /event: form.submitted }");
            return only;
        }
        foreach (var (key, value) in mapping.Children)
        {
            var texts = (value is YamlSequenceNode list ? list.Children : [value]).Select(Text).ToList();
            if (texts.Count == 0 || texts.Contains(null))
                faults.Add(value, "a text, or a list of texts");
            else if (Pointer(key) is { } pointer)
                only.Add((pointer, texts.OfType<string>().ToList()));
        }
        return only;
    }

    private JsonPointer? Pointer(YamlNode node)
    {
        try
        {
            return JsonPointer.Parse(Text(node) ?? throw new FormatException("a pointer is a text such as /contact/email"));
        }
        catch (FormatException exception)
        {
            faults.Add(node, exception.Message);
            return null;
        }
    }

    private bool Flag(YamlMappingNode mapping, string key, bool without)
    {
        if (mapping.Child(key) is not { } node)
            return without;
        if (Text(node) is "true" or "false")
            return Text(node) == "true";
        faults.Add(node, $"'{key}' is not true or false");
        return without;
    }

    private static string? Text(YamlNode? node) => (node as YamlScalarNode)?.Value;
}
