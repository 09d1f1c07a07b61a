using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using LeadPipeline.Mcp.Crm;

namespace LeadPipeline.Mcp.Registry;

/// <summary>The JSON types that a parameter can have.</summary>
public enum ParameterType { Text, Integer, Number, Boolean, Date, TextMap }

/// <summary>Who may say what a parameter holds, in a policy.</summary>
public enum ParameterSource
{
    /// <summary>The policy's words, a fact of the same meaning, or, for a record id, an earlier step's result.</summary>
    Any,
    /// <summary>The policy's own words only: a limit that a lead's words could widen would be none.</summary>
    Policy,
    /// <summary>The fact of the same name under <c>enrichment</c> only: its true value, or nothing.</summary>
    Evidence,
}

/// <summary>One parameter of a tool.</summary>
/// <param name="Name">camelCase.</param>
/// <param name="Type">Its type; <c>Date</c> is text <c>yyyy-MM-dd</c>, <c>TextMap</c> an object with text values.</param>
/// <param name="Description">What it is, in the domain's words, with unit and range.</param>
/// <param name="Required">Whether the call is refused without it.</param>
/// <param name="MaxLength">Longest text, in characters.</param>
/// <param name="Minimum">Smallest number.</param>
/// <param name="Maximum">Largest number.</param>
/// <param name="Allowed">The only values, when there is a list.</param>
/// <param name="Code">The stable code of a call without it or with a value that is not allowed.</param>
/// <param name="Source">Who may say what it holds. Default anyone.</param>
public sealed record ToolParameter(
    string Name, ParameterType Type, string Description, bool Required = false, int MaxLength = 255,
    decimal? Minimum = null, decimal? Maximum = null, IReadOnlyList<string>? Allowed = null,
    string Code = CrmCodes.InvalidArguments, ParameterSource Source = ParameterSource.Any)
{
    /// <summary>
    /// Whether it names a record, and so may be a reference to an earlier step. Only in such parameters is text that looks like a
    /// reference resolved: a company may well call itself <c>$steps.x.y</c>.
    /// </summary>
    public bool IsRecordId => Type == ParameterType.Text && Name.EndsWith("Id", StringComparison.Ordinal);
}

/// <summary>What is wrong with an argument.</summary>
/// <param name="Parameter">The parameter's name.</param>
/// <param name="Problem">What is wrong.</param>
/// <param name="Remedy">What to do about it.</param>
/// <param name="Code">The stable code of the refusal.</param>
public sealed record ParameterError(string Parameter, string Problem, string Remedy, string Code = CrmCodes.InvalidArguments)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Parameter} {Problem}; {Remedy}";
}

/// <summary>The parameters of a tool: a strict JSON schema in the making.</summary>
public sealed class ToolParameters(params ToolParameter[] parameters)
{
    /// <summary>Longest map, in entries.</summary>
    private const int MaxEntries = 50;

    /// <summary>The declared parameters in order.</summary>
    public IReadOnlyList<ToolParameter> All => parameters;

    /// <summary>The parameter of this name, or null.</summary>
    public ToolParameter? Find(string name)
    {
        // A loop, since it is asked for every argument of every step, and a delegate would be made each time.
        foreach (var parameter in parameters)
        {
            if (parameter.Name == name)
                return parameter;
        }
        return null;
    }

    /// <summary>Everything that is wrong with these arguments; empty when they are valid.</summary>
    public IReadOnlyList<ParameterError> Validate(JsonObject arguments)
    {
        var errors = new List<ParameterError>();
        foreach (var (name, value) in arguments)
        {
            if (Find(name) is not { } parameter)
                errors.Add(new(name, "is not a parameter of this tool", $"use one of: {string.Join(", ", All.Select(p => p.Name))}"));
            else if (ValidateOne(parameter, value) is { } error)
                errors.Add(error);
        }
        foreach (var parameter in All.Where(p => p.Required && !arguments.ContainsKey(p.Name)))
            errors.Add(new(parameter.Name, "is missing", $"give {parameter.Description}", parameter.Code));
        return errors;
    }

    /// <summary>What is wrong with one argument, or null.</summary>
    public static ParameterError? ValidateOne(ToolParameter parameter, JsonNode? value)
    {
        var kind = value?.GetValueKind() ?? JsonValueKind.Null;
        if (kind == JsonValueKind.Null)
            return Wrong(parameter, "is null", "leave it out when it is not known");

        return parameter.Type switch
        {
            ParameterType.Text => kind == JsonValueKind.String ? Text(parameter, value!.GetValue<string>()) : WrongType(parameter, "text"),
            ParameterType.Date => kind == JsonValueKind.String && IsDate(value!.GetValue<string>()) ? null : WrongType(parameter, "a date yyyy-MM-dd"),
            ParameterType.Boolean => kind is JsonValueKind.True or JsonValueKind.False ? null : WrongType(parameter, "true or false"),
            ParameterType.Integer or ParameterType.Number => kind == JsonValueKind.Number ? Number(parameter, value!) : WrongType(parameter, "a number"),
            ParameterType.TextMap => value is JsonObject map ? Map(parameter, map) : WrongType(parameter, "an object with text values"),
            _ => throw new InvalidOperationException($"Parameter type {parameter.Type} has no validation."),
        };
    }

    /// <summary>JSON schema (draft 2020-12) of the arguments; what is not declared is refused.</summary>
    public JsonObject Schema()
    {
        var properties = new JsonObject();
        foreach (var parameter in All)
            properties[parameter.Name] = Schema(parameter);
        return new JsonObject
        {
            ["type"] = "object",
            ["properties"] = properties,
            ["required"] = new JsonArray([.. All.Where(p => p.Required).Select(p => (JsonNode)p.Name)]),
            ["additionalProperties"] = false,
        };
    }

    private static JsonObject Schema(ToolParameter parameter)
    {
        var schema = new JsonObject { ["description"] = parameter.Description };
        switch (parameter.Type)
        {
            case ParameterType.Text:
                schema["type"] = "string";
                if (parameter.Required)
                    schema["minLength"] = 1;
                schema["maxLength"] = parameter.MaxLength;
                break;
            case ParameterType.Date:
                schema["type"] = "string";
                schema["format"] = "date";
                break;
            case ParameterType.Boolean:
                schema["type"] = "boolean";
                break;
            case ParameterType.Integer:
            case ParameterType.Number:
                schema["type"] = parameter.Type == ParameterType.Integer ? "integer" : "number";
                if (parameter.Minimum is { } minimum)
                    schema["minimum"] = minimum;
                if (parameter.Maximum is { } maximum)
                    schema["maximum"] = maximum;
                break;
            default:
                schema["type"] = "object";
                schema["maxProperties"] = MaxEntries;
                schema["additionalProperties"] = new JsonObject { ["type"] = "string", ["maxLength"] = parameter.MaxLength };
                break;
        }
        if (parameter.Allowed is { } allowed)
            schema["enum"] = new JsonArray([.. allowed.Select(a => (JsonNode)a)]);
        return schema;
    }

    private static ParameterError? Text(ToolParameter parameter, string text)
    {
        if (parameter.Required && string.IsNullOrWhiteSpace(text))
            return Wrong(parameter, "is empty", $"give {parameter.Description}") with { Code = parameter.Code };
        if (text.Length > parameter.MaxLength)
            return Wrong(parameter, $"has {text.Length} characters", $"shorten it to {parameter.MaxLength}");
        if (parameter.IsRecordId && text.StartsWith('$') && StepReference.Parse(text) is null)
            return Wrong(parameter, $"is '{text}', which is not a reference", "write $steps.STEP.RESULT");
        // The length is the only limit on values: there is no list of forbidden words, and a company may be called "; SELECT".
        return parameter.Allowed is { } allowed && !allowed.Contains(text, StringComparer.Ordinal)
            ? Wrong(parameter, $"is '{text}'", $"use one of: {string.Join(", ", allowed)}") with { Code = parameter.Code }
            : null;
    }

    private static ParameterError? Number(ToolParameter parameter, JsonNode value)
    {
        if (!decimal.TryParse(value.ToJsonString(), NumberStyles.Float, CultureInfo.InvariantCulture, out var number))
            return Wrong(parameter, "is out of range", "use a number of ordinary size");
        if (parameter.Type == ParameterType.Integer && number != decimal.Truncate(number))
            return WrongType(parameter, "a whole number");
        if (number < parameter.Minimum || number > parameter.Maximum)
            return Wrong(parameter, $"is {number.ToString(CultureInfo.InvariantCulture)}", Range(parameter));
        return null;
    }

    private static ParameterError? Map(ToolParameter parameter, JsonObject map)
    {
        if (map.Count > MaxEntries)
            return Wrong(parameter, $"has {map.Count} entries", $"give at most {MaxEntries}");
        foreach (var (key, value) in map)
        {
            if (value?.GetValueKind() != JsonValueKind.String)
                return Wrong(parameter, $"has a value at '{key}' that is not text", "give text values only");
            if (value.GetValue<string>().Length > parameter.MaxLength)
                return Wrong(parameter, $"has a value at '{key}' that is too long", $"shorten it to {parameter.MaxLength} characters");
        }
        return null;
    }

    private static bool IsDate(string text) => DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _);

    private static string Range(ToolParameter parameter) => (parameter.Minimum, parameter.Maximum) switch
    {
        ({ } low, { } high) => string.Create(CultureInfo.InvariantCulture, $"use {low} to {high}"),
        ({ } low, null) => string.Create(CultureInfo.InvariantCulture, $"use {low} or more"),
        (_, var high) => string.Create(CultureInfo.InvariantCulture, $"use {high} or less"),
    };

    private static ParameterError WrongType(ToolParameter parameter, string wanted) => Wrong(parameter, "has the wrong type", $"give {wanted}");

    private static ParameterError Wrong(ToolParameter parameter, string problem, string remedy) => new(parameter.Name, problem, remedy);
}
