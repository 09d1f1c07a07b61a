using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using LeadPipeline.Mcp.Crm.HubSpot;
using LeadPipeline.Mcp.Crm.Mock;
using LeadPipeline.Mcp.Crm.Salesforce;
using LeadPipeline.Worker.Analysis.Gemini;
using LeadPipeline.Worker.Approvals;
using LeadPipeline.Worker.Evidence;
using LeadPipeline.Worker.Evidence.Http;
using LeadPipeline.Worker.Execution;
using LeadPipeline.Worker.Grounding;
using LeadPipeline.Worker.Http;
using LeadPipeline.Worker.Intake;
using LeadPipeline.Worker.Intake.Forms;
using LeadPipeline.Worker.Intake.Webhooks;
using LeadPipeline.Worker.Messaging;
using LeadPipeline.Worker.Ops;
using LeadPipeline.Worker.Planning;
using LeadPipeline.Worker.Privacy;
using LeadPipeline.Worker.Retention;
using LeadPipeline.Worker.Saga;
using LeadPipeline.Worker.Secrets;
using LeadPipeline.Worker.Storage;

namespace LeadPipeline.Worker.Hosting;

/// <summary>
/// Reads all of our sections once, before anything starts, and names every fault at once: unknown keys with the nearest right name,
/// values of the wrong kind, values out of range.
/// </summary>
public static class ConfigurationCheck
{
    /// <summary>The sections and the classes that they fill.</summary>
    public static readonly IReadOnlyList<(string Section, Type Type)> Sections =
    [
        (HttpOptions.Section, typeof(HttpOptions)),
        (DataOptions.Section, typeof(DataOptions)),
        (DatabaseOptions.Section, typeof(DatabaseOptions)),
        (ConnectionStringOptions.Section, typeof(ConnectionStringOptions)),
        (AnalysisOptions.Section, typeof(AnalysisOptions)),
        (GeminiOptions.Section, typeof(GeminiOptions)),
        (CrmOptions.Section, typeof(CrmOptions)),
        (GroundingOptions.Section, typeof(GroundingOptions)),
        (PolicyOptions.Section, typeof(PolicyOptions)),
        (IntakeOptions.Section, typeof(IntakeOptions)),
        (WebhookOptions.Section, typeof(WebhookOptions)),
        (FormOptions.Section, typeof(Intake.Forms.FormOptions)),
        (EnrichmentDirectoryOptions.Section, typeof(EnrichmentDirectoryOptions)),
        (HttpEnrichmentOptions.Section, typeof(HttpEnrichmentOptions)),
        (RetryOptions.Section, typeof(RetryOptions)),
        (DeferralOptions.Section, typeof(DeferralOptions)),
        (BreakerOptions.Section, typeof(BreakerOptions)),
        (RateLimitOptions.Section, typeof(RateLimitOptions)),
        (ApprovalOptions.Section, typeof(ApprovalOptions)),
        (MockOptions.Section, typeof(MockOptions)),
        (HubSpotOptions.Section, typeof(HubSpotOptions)),
        (SalesforceOptions.Section, typeof(SalesforceOptions)),
        (AwsOptions.Section, typeof(AwsOptions)),
        (SecretsOptions.Section, typeof(SecretsOptions)),
        (AuthOptions.Section, typeof(AuthOptions)),
        (EncryptionOptions.Section, typeof(EncryptionOptions)),
        (PrivacyOptions.Section, typeof(PrivacyOptions)),
        (MessagingOptions.Section, typeof(MessagingOptions)),
        (RetentionOptions.Section, typeof(RetentionOptions)),
    ];

    private static readonly string[] Secrets = ["password", "secret", "key", "token", "hash", "connectionstrings", "enrichment:http:header", "enrichment:http:urltemplate"];

    /// <summary>Throws when anything is wrong.</summary>
    /// <exception cref="ConfigurationException">With all faults.</exception>
    public static void Run(IConfiguration configuration)
    {
        var faults = new List<string>();
        foreach (var top in Sections.GroupBy(s => s.Section.Split(':')[0]))
        {
            var nested = top.Where(s => s.Section.Contains(':', StringComparison.Ordinal)).ToList();
            foreach (var child in configuration.GetSection(top.Key).GetChildren())
            {
                if (nested.Find(n => string.Equals(n.Section, $"{top.Key}:{child.Key}", StringComparison.OrdinalIgnoreCase)) is { Type: { } inner })
                    Check(child, inner, faults);
                else if (top.FirstOrDefault(s => s.Section == top.Key) is { Type: { } named } && Named(named) is { } each)
                    CheckValue(child, each, $"{top.Key}:{child.Key}", faults);
                else if (top.FirstOrDefault(s => s.Section == top.Key) is { Type: { } type })
                    CheckMember(child, type, $"{top.Key}:{child.Key}", faults);
                else
                    faults.Add(Unknown($"{top.Key}:{child.Key}", child.Key, nested.Select(n => n.Section.Split(':')[1])));
            }
        }
        if (faults.Count > 0)
            throw new ConfigurationException(faults);
        foreach (var (section, type) in Sections)
            Validate(configuration.GetSection(section), type, faults);
        if (faults.Count > 0)
            throw new ConfigurationException(faults);
    }

    private static void Check(IConfigurationSection section, Type type, List<string> faults)
    {
        foreach (var child in section.GetChildren())
            CheckMember(child, type, child.Path, faults);
    }

    private static void CheckMember(IConfigurationSection value, Type type, string path, List<string> faults)
    {
        var properties = type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => p.CanWrite || typeof(System.Collections.IEnumerable).IsAssignableFrom(p.PropertyType)).ToList();
        var property = properties.Find(p => string.Equals(p.Name, value.Key, StringComparison.OrdinalIgnoreCase));
        if (property is null || !IsSetting(property))
        {
            faults.Add(Unknown(path, value.Key, properties.Where(IsSetting).Select(p => p.Name)));
            return;
        }
        CheckValue(value, property.PropertyType, path, faults);
    }

    private static void CheckValue(IConfigurationSection value, Type type, string path, List<string> faults)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (IsDictionary(type))
        {
            foreach (var child in value.GetChildren())
                CheckValue(child, type.GetGenericArguments()[1], $"{path}:{child.Key}", faults);
        }
        else if (Element(type) is { } element)
        {
            foreach (var child in value.GetChildren())
            {
                if (!int.TryParse(child.Key, NumberStyles.None, CultureInfo.InvariantCulture, out _))
                    faults.Add($"{path}:{child.Key}: a list has numbered members, {path}:0, {path}:1, …");
                else
                    CheckValue(child, element, $"{path}:{child.Key}", faults);
            }
        }
        else if (type != typeof(string) && type.IsClass)
        {
            if (!string.IsNullOrEmpty(value.Value))
                faults.Add($"{path}: has settings of its own, such as {path}:{type.GetProperties().First(IsSetting).Name}");
            Check(value, type, faults);
        }
        else if (value.GetChildren().Any())
        {
            faults.Add($"{path}: is one value and has no members");
        }
        else if (value.Value is { } text && Problem(text, type) is { } problem)
        {
            faults.Add($"{path}: {Shown(path, text)} {problem}");
        }
    }

    private static string? Problem(string text, Type type)
    {
        if (type == typeof(bool))
            return bool.TryParse(text, out _) ? null : "is not a switch; use true or false";
        if (type == typeof(int))
            return int.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out _) ? null : "is not a whole number";
        if (type == typeof(double))
            return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? null : "is not a number";
        if (type == typeof(TimeSpan))
            return TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out _) ? null : "is not a duration; write hh:mm:ss";
        if (type.IsEnum)
            return Enum.GetNames(type).Contains(text, StringComparer.OrdinalIgnoreCase) ? null : $"is not one of {string.Join(", ", Enum.GetNames(type))}";
        return null;
    }

    private static void Validate(IConfigurationSection section, Type type, List<string> faults) =>
        Validate(section, section.Get(type) ?? Activator.CreateInstance(type)!, faults);

    private static void Validate(IConfigurationSection section, object options, List<string> faults)
    {
        if (Named(options.GetType()) is not null)
        {
            foreach (System.Collections.DictionaryEntry entry in (System.Collections.IDictionary)options)
                Validate(section.GetSection((string)entry.Key), entry.Value!, faults);
            return;
        }
        // The validator looks at an object's own members only; what is in its lists is validated here.
        foreach (var list in options.GetType().GetProperties().Where(p => Element(p.PropertyType) is { IsClass: true } element && element != typeof(string)))
        {
            var index = 0;
            foreach (var item in (System.Collections.IEnumerable?)list.GetValue(options) ?? Array.Empty<object>())
                Validate(section.GetSection($"{list.Name}:{index++.ToString(CultureInfo.InvariantCulture)}"), item, faults);
        }
        var results = new List<ValidationResult>();
        if (Validator.TryValidateObject(options, new ValidationContext(options), results, validateAllProperties: true))
            return;
        foreach (var result in results)
        {
            var member = result.MemberNames.FirstOrDefault();
            var path = member is null ? section.Path : $"{section.Path}:{member}";
            faults.Add($"{path}: {Shown(path, section[member ?? ""])} is not allowed: {result.ErrorMessage}");
        }
    }

    private static string Unknown(string path, string key, IEnumerable<string> names) =>
        $"{path} is not a setting. Did you mean {path[..^key.Length]}{Nearest.To(key, names)}?";

    /// <summary>A value as it may be shown.</summary>
    private static string Shown(string path, string? value) =>
        Array.Exists(Secrets, s => path.Contains(s, StringComparison.OrdinalIgnoreCase)) ? "the value" : $"'{value}'";

    /// <summary>The binder fills lists and dictionaries that have no setter, too.</summary>
    private static bool IsSetting(PropertyInfo property) => property.CanWrite || IsDictionary(property.PropertyType) || Element(property.PropertyType) is not null;

    private static bool IsDictionary(Type type) => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IDictionary<,>);

    /// <summary>What a section holds whose members are named by the operator; null for the others.</summary>
    internal static Type? Named(Type type) =>
        type.BaseType is { IsGenericType: true } parent && parent.GetGenericTypeDefinition() == typeof(Dictionary<,>) ? parent.GetGenericArguments()[1] : null;

    private static Type? Element(Type type) =>
        type.IsArray ? type.GetElementType()
        : type.IsGenericType && type.GetGenericTypeDefinition() is { } g && (g == typeof(IList<>) || g == typeof(List<>)) ? type.GetGenericArguments()[0]
        : null;
}
