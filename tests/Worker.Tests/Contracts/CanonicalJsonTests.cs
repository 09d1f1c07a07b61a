using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using LeadPipeline.Contracts;

namespace LeadPipeline.Worker.Tests.Contracts;

/// <summary>Hashes of what was stored hang on these bytes, so they may get cheaper but never others.</summary>
public class CanonicalJsonTests
{
    private static readonly TestCaseData[] Documents =
    [
        new("""{ "b": 1, "a": 2 }""", """{"a":2,"b":1}"""),
        new("""{"a":{"d":[],"c":{}},"B":[{"z":null,"y":true}]}""", """{"B":[{"y":true,"z":null}],"a":{"c":{},"d":[]}}"""),
        new("""{"é":1,"z":2,"\u0061":3}""", """{"a":3,"z":2,"é":1}"""),
        // In UTF-8 the second comes first, in the order of characters the first.
        new("{\"\uFF5E\":1,\"\U0001F600\":2}", "{\"\\uD83D\\uDE00\":2,\"\uFF5E\":1}"),
        new("""{"a\"b":1,"a b":2}""", """{"a b":2,"a\"b":1}"""),
        new("""[40.0, 4E1, 0, -0, 1.50, 123456789012345, 1234567890123456, 12345678901234567890123456789, 1e400, -7, 0.1]""",
            "[40,40,0,0,1.5,123456789012345,1234567890123456,12345678901234567890123456789,1e400,-7,0.1]"),
        new("""["<b>&'", "\u00fc\u2028", "a\/b"]""", "[\"<b>&'\",\"ü\\u2028\",\"a/b\"]"),
    ];

    [TestCaseSource(nameof(Documents))]
    public void Should_have_one_form(string document, string canonical)
    {
        var (ofElement, ofNode) = (CanonicalJson.Bytes(JsonElement.Parse(document)), CanonicalJson.Bytes(JsonNode.Parse(document)));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Encoding.UTF8.GetString(ofElement), Is.EqualTo(canonical));
            Assert.That(Encoding.UTF8.GetString(ofNode), Is.EqualTo(canonical));
        }
    }

    [Test]
    public void Should_write_what_code_put_into_a_node_as_if_it_had_been_read()
    {
        var node = new JsonObject
        {
            ["text"] = "ü<",
            ["whole"] = 40,
            ["long"] = 1234567890123456L,
            ["money"] = 40.00m,
            ["double"] = 1e21,
            ["flag"] = false,
            ["date"] = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero),
            ["none"] = null,
            ["list"] = new JsonArray(1, "two", JsonValue.Create(3.0)),
        };

        Assert.That(CanonicalJson.Bytes(node), Is.EqualTo(CanonicalJson.Bytes(JsonElement.Parse(node.ToJsonString()))));
    }

    [FsCheck.NUnit.Property(MaxTest = 300)]
    public Property Should_not_depend_on_the_order_of_members(NonNull<string>[] names, int seed)
    {
        var distinct = names.Select(n => n.Get).Where(n => !n.Any(char.IsSurrogate)).Distinct(StringComparer.Ordinal).ToArray();
        var shuffled = distinct.ToArray();
        new System.Random(seed).Shuffle(shuffled);
        static JsonObject Object(IEnumerable<string> names) => new(names.Select(n => KeyValuePair.Create(n, (JsonNode?)n.Length)));

        var one = CanonicalJson.Bytes(JsonElement.Parse(Object(distinct).ToJsonString()));
        var other = CanonicalJson.Bytes(JsonElement.Parse(Object(shuffled).ToJsonString()));

        var order = JsonElement.Parse(one).EnumerateObject().Select(m => m.Name);
        return (one.AsSpan().SequenceEqual(other) && order.SequenceEqual(distinct.Order(StringComparer.Ordinal))).ToProperty();
    }
}
