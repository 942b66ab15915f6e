/* openapi_schemas.c - JSON schemas (2020-12) of inference: those that every model shares, and bodies with the features of one model by
 * name. They say what the decoders take, so that whatever fits a schema is accepted. */
#include "serve/routes.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off */
const an__schema an__openapi_schemas[] = {
    { "Error", "{'type':'object','required':['error'],'properties':{"
               "'error':{'type':'string','description':'What is wrong, where, and what to do.'},"
               "'request':{'type':'string'}}}" },
    { "Live", "{'type':'object','required':['live'],'properties':{'live':{'type':'boolean'}}}" },
    { "Ready", "{'type':'object','required':['ready'],'properties':{'ready':{'type':'boolean'},'name':{'type':'string'},"
               "'why':{'type':'string','description':'Why not.'},'warnings':{'type':'array','items':{'type':'string'}}}}" },
    { "ServerMetadata", "{'type':'object','required':['name','version','extensions'],'properties':{'name':{'type':'string'},"
                        "'version':{'type':'string'},'extensions':{'type':'array','items':{'type':'string'}}}}" },
    { "Datatype", "{'enum':['BOOL','UINT8','UINT16','UINT32','UINT64','INT8','INT16','INT32','INT64','FP16','BF16','FP32',"
                  "'FP64','BYTES']}" },
    { "TensorMetadata", "{'type':'object','required':['name','datatype','shape'],'properties':{'name':{'type':'string'},"
                        "'datatype':{'$ref':'#/components/schemas/Datatype'},"
                        "'shape':{'type':'array','items':{'type':'integer'},'description':'-1 is the number of rows.'},"
                        "'parameters':{'type':'object','description':'type, unit, low and high of the training data, or categories.'}}}" },
    { "ModelMetadata", "{'type':'object','required':['name','versions','platform','inputs','outputs'],"
                       "'properties':{'name':{'type':'string'},"
                       "'versions':{'type':'array','items':{'type':'string'}},'platform':{'type':'string'},"
                       "'inputs':{'type':'array','items':{'$ref':'#/components/schemas/TensorMetadata'}},"
                       "'outputs':{'type':'array','items':{'$ref':'#/components/schemas/TensorMetadata'}},"
                       "'parameters':{'type':'object'}}}" },
    { "InferParameters", "{'type':['object','null'],'description':'Also timeout: how long the client waits, in whole microseconds "
                         "(0: no limit); what is late is answered 504. Others are ignored.','properties':{"
                         "'binary_data_output':{'type':'boolean','description':'Outputs as raw bytes.'}}}" },
    { "InferInput", "{'type':'object','required':['name','shape','datatype'],'properties':{'name':{'type':'string'},"
                    "'shape':{'type':'array','items':{'type':'integer','minimum':1},'minItems':1,'maxItems':2},"
                    "'datatype':{'$ref':'#/components/schemas/Datatype'},"
                    "'data':{'type':'array','items':{},'description':'Row-major, flat or nested; null where missing.'},"
                    "'parameters':{'type':['object','null'],'properties':{'binary_data_size':{'type':'integer','minimum':0,"
                    "'description':'Bytes of this tensor behind the JSON, in place of data.'}}}}}" },
    { "OutputParameters", "{'type':['object','null'],'properties':{'binary_data':{'type':'boolean'}}}" },
    { "InferOutput", "{'type':'object','required':['name'],'properties':{'name':{'enum':['label','probability']},"
                     "'parameters':{'$ref':'#/components/schemas/OutputParameters'}}}" },
    { "InferOutputs", "{'type':['array','null'],'description':'Which outputs; all when none are named.',"
                      "'items':{'$ref':'#/components/schemas/InferOutput'}}" },
    { "InferRequest", "{'type':'object','required':['inputs'],'properties':{'id':{'type':['string','null'],'maxLength':1024},"
                      "'parameters':{'$ref':'#/components/schemas/InferParameters'},"
                      "'inputs':{'type':'array','minItems':1,'items':{'$ref':'#/components/schemas/InferInput'}},"
                      "'outputs':{'$ref':'#/components/schemas/InferOutputs'}}}" },
    { "InferResponse", "{'type':'object','required':['model_name','model_version','outputs'],'properties':{'model_name':{'type':'string'},"
                       "'model_version':{'type':'string'},'id':{'type':'string'},"
                       "'parameters':{'type':'object','properties':{'request':{'type':'string'},'threshold':{'type':'number'},"
                       "'calibrated':{'type':'boolean'},'unapproved':{'type':'boolean'}}},"
                       "'outputs':{'type':'array','items':{'type':'object','required':['name','shape','datatype'],'properties':{"
                       "'name':{'enum':['label','probability']},'shape':{'type':'array','items':{'type':'integer','minimum':1}},"
                       "'datatype':{'$ref':'#/components/schemas/Datatype'},'data':{'type':'array','items':{}},'parameters':{'type':'object'}}}}}}" },
    { "PredictRow", "{'type':'object','minProperties':1,"
                    "'description':'Features by name; absent and null are missing; other keys are ignored.'}" },
    { "PredictRequest", "{'anyOf':[{'$ref':'#/components/schemas/PredictRow'},"
                        "{'type':'array','minItems':1,'items':{'$ref':'#/components/schemas/PredictRow'}},"
                        "{'type':'object','required':['rows'],'properties':{'rows':{'type':'array','minItems':1,"
                        "'items':{'$ref':'#/components/schemas/PredictRow'}}}}]}" },
    { "Prediction", "{'type':'object','required':['label','probability','calibrated','threshold','out_of_range','missing',"
                    "'model','version','request'],"
                    "'properties':{'label':{'type':['string','null'],'description':'null: the values are too large for a verdict.'},"
                    "'probability':{'type':['number','null'],'minimum':0,'maximum':1},"
                    "'calibrated':{'type':'boolean','description':'false: a score, not a probability at the true class share.'},"
                    "'threshold':{'type':'number'},'out_of_range':{'type':'array','items':{'type':'string'}},"
                    "'missing':{'type':'array','items':{'type':'string'}},'model':{'type':'string'},'version':{'type':'integer'},"
                    "'request':{'type':'string'},'unapproved':{'type':'boolean','description':'Nobody approved this model.'}}}" },
    { "PredictAnswer", "{'anyOf':[{'$ref':'#/components/schemas/Prediction'},"
                       "{'type':'array','items':{'$ref':'#/components/schemas/Prediction'}}]}" },
    { "Predictions", "{'type':'object','required':['predictions'],'properties':{'predictions':{'type':'array',"
                     "'items':{'$ref':'#/components/schemas/Prediction'}}}}" },
    { "ScoringRows", "{'type':'array','minItems':1,'items':{'anyOf':[{'$ref':'#/components/schemas/PredictRow'},"
                     "{'type':'array','items':{},'description':'All features in their order.'}]}}" },
    { "Instances", "{'type':'object','required':['instances'],'properties':{"
                   "'instances':{'$ref':'#/components/schemas/ScoringRows'}}}" },
    { "DataframeSplit", "{'type':'object','required':['columns','data'],'properties':{'columns':{'type':'array',"
                        "'items':{'type':'string'}},'index':{'type':'array','items':{}},"
                        "'data':{'type':'array','minItems':1,'items':{'type':'array','items':{}}}}}" },
    { "Columns", "{'type':'object','minProperties':1,'additionalProperties':{'type':'array','items':{}},"
                 "'description':'Lists of values by feature.'}" },
    { "Splits", "{'type':'object','required':['dataframe_split'],'properties':{"
                "'dataframe_split':{'$ref':'#/components/schemas/DataframeSplit'}}}" },
    { "Records", "{'type':'object','required':['dataframe_records'],'properties':{"
                 "'dataframe_records':{'$ref':'#/components/schemas/ScoringRows'}}}" },
    { "Inputs", "{'type':'object','required':['inputs'],'properties':{'inputs':{'anyOf':["
                "{'$ref':'#/components/schemas/ScoringRows'},{'$ref':'#/components/schemas/Columns'}]}}}" },
    { "Invocation", "{'oneOf':[{'$ref':'#/components/schemas/Instances'},{'$ref':'#/components/schemas/Splits'},"
                    "{'$ref':'#/components/schemas/Records'},{'$ref':'#/components/schemas/Inputs'}]}" },
    { "PartMessage", "{'type':'object','additionalProperties':false,'properties':{'model':{'type':'string',"
                     "'pattern':'^[^\\\\u0000]*$','description':'Which model; may be left out where one is served.'},"
                     "'attempt':{'type':'integer','minimum':1,'maximum':9007199254740992,'default':1},"
                     "'features':{'type':'object','description':'What a station measured, by feature.',"
                     "'propertyNames':{'pattern':'^[^\\\\u0000]*$'},'additionalProperties':{"
                     "'type':['number','string','boolean','null'],'pattern':'^[^\\\\u0000]*$'}},"
                     "'complete':{'type':'boolean','default':false,'description':'No more will come: decide now.'}}}" },
    { "PartAnswer", "{'type':'object','required':['serial','attempt','state'],'properties':{'serial':{'type':'string'},"
                    "'attempt':{'type':'integer'},'state':{'enum':['waiting','decided']},'verdict':{'enum':['ok','nok','test']},"
                    "'why':{'type':'array','items':{'type':'string'}},"
                    "'unapproved':{'type':'boolean','description':'Nobody approved this model: the verdict is test.'},"
                    "'would_be':{'enum':['ok','nok','test'],'description':'What the verdict would be if the model were approved.'},"
                    "'missing':{'type':'array','items':{'type':'string'}}}}" },
    { "ModelConfig", "{'type':'object','required':['name','platform','max_batch_size','input','output'],"
                     "'description':'As Triton writes it.','properties':{'name':{'type':'string'},'platform':{'type':'string'},"
                     "'backend':{'type':'string'},'max_batch_size':{'type':'integer'},'input':{'type':'array',"
                     "'items':{'type':'object'}},'output':{'type':'array','items':{'type':'object'}}}}" },
    { "ModelStatistics", "{'type':'object','required':['model_stats'],'properties':{'model_stats':{'type':'array','items':{"
                         "'type':'object','required':['name','version','last_inference','inference_count','execution_count',"
                         "'inference_stats'],'properties':{'name':{'type':'string'},'version':{'type':'string'},"
                         "'last_inference':{'type':'integer','description':'Milliseconds since 1970; 0: never.'},"
                         "'inference_count':{'type':'integer','description':'Rows.'},"
                         "'execution_count':{'type':'integer','description':'Batches.'},'inference_stats':{'type':'object',"
                         "'additionalProperties':{'type':'object','required':['count','ns'],'properties':{"
                         "'count':{'type':'integer'},'ns':{'type':'integer'}}}}}}}}}" },
    { "RepositoryIndex", "{'type':'array','items':{'type':'object','required':['name','state'],'properties':{"
                         "'name':{'type':'string'},'version':{'type':'string'},'state':{'enum':['READY','UNAVAILABLE']},"
                         "'reason':{'type':'string'}}}}" },
    { NULL, NULL },
};
/* clang-format on */

enum { NAMED = 100 }; /* features up to which "one of them is there" is spelled out */

static const char *about(const an_prep_column *c, char text[256])
{
    size_t used = (size_t)snprintf(text, 256, "%s%s%.60s", an_type_name(c->type), c->unit && c->type != AN_DATETIME ? ", " : "",
                                   c->unit && c->type != AN_DATETIME ? c->unit : "");
    if (c->type != AN_CATEGORY && c->type != AN_DATETIME && c->type != AN_BOOLEAN && isfinite(c->low) && isfinite(c->high)) {
        char low[32], high[32];
        snprintf(text + used, 256 - used, "; %s to %s in training", an_real_text(c->low, low), an_real_text(c->high, high));
    }
    return text;
}

/* A finite double, or null */
static json_t *number_schema(void)
{
    return json_pack("{s:[s,s],s:f,s:f}", "type", "number", "null", "minimum", -DBL_MAX, "maximum", DBL_MAX);
}

static json_t *value_schema(const an_prep_column *c, bool tensor)
{
    switch (c->type) {
    case AN_CATEGORY: {
        json_t *j = tensor ? json_pack("{s:[s,s]}", "type", "string", "null")
                           : json_pack("{s:[s,s,s,s],s:f,s:f}", "type", "string", "number", "boolean", "null", "minimum", -DBL_MAX,
                                       "maximum", DBL_MAX);
        json_t *names = json_array();
        for (int32_t k = 0; k < c->dictionary.count && k < 8; k++) json_array_append_new(names, json_string(c->dictionary.names[k]));
        json_object_set_new(j, "examples", names);
        return j;
    }
    case AN_DATETIME: {
        json_t *text = json_pack("{s:s,s:s}", "type", "string", "format", "date-time");
        return tensor ? json_pack("{s:[o,{s:s}]}", "anyOf", text, "type", "null") : json_pack("{s:[o,o]}", "anyOf", text, number_schema());
    }
    case AN_BOOLEAN:
        return json_pack("{s:[{s:s},{s:s,s:i,s:i},{s:s}]}", "anyOf", "type", "boolean", "type", "integer", "minimum", 0, "maximum", 1,
                         "type", "null");
    default:
        return number_schema();
    }
}

/* {"anyOf": [{"required": [name]}, ...]}: one of them is there */
static json_t *any_of(const char *const *names, size_t n)
{
    json_t *some = json_array();
    for (size_t i = 0; i < n; i++) json_array_append_new(some, json_pack("{s:[s]}", "required", names[i]));
    return json_pack("{s:o}", "anyOf", some);
}

json_t *an__openapi_infer(const an__openapi_model *m)
{
    static const char *const raw[] = { "binary_data_size", "shared_memory_region" };
    const an_prep *p = m->model->prep;
    json_t *inputs = json_array();
    char text[256];
    for (size_t i = 0; i < p->columns; i++) {
        const an_prep_column *c = &p->column[i];
        if (!c->width) continue;
        const char *type = c->type == AN_CATEGORY || c->type == AN_DATETIME ? "BYTES" : c->type == AN_BOOLEAN ? "BOOL" : "FP64";
        json_t *data = json_pack("{s:s,s:o,s:i,s:i}", "type", "array", "items", value_schema(c, true), "minItems", 1, "maxItems", 1);
        json_t *shape =
            json_pack("{s:s,s:{s:s,s:i},s:i,s:i}", "type", "array", "items", "type", "integer", "const", 1, "minItems", 1, "maxItems", 2);
        json_t *parameters = json_pack("{s:[s,s],s:o}", "type", "object", "null", "not", any_of(raw, AN_COUNT(raw)));
        json_array_append_new(inputs,
                              json_pack("{s:s,s:s,s:[s,s,s,s],s:{s:{s:s},s:o,s:{s:s},s:o,s:o}}", "type", "object", "description",
                                        about(c, text), "required", "name", "shape", "datatype", "data", "properties", "name", "const",
                                        c->name, "shape", shape, "datatype", "const", type, "data", data, "parameters", parameters));
    }
    json_int_t n = (json_int_t)json_array_size(inputs);
    static const char doc[] = "Of one row; n rows have shape [n,1] and n values in every input. Inputs may come in any order.";
    return json_pack("{s:s,s:[s],s:{s:{s:[s,s],s:i,s:s},s:{s:s},s:{s:s,s:s,s:o,s:{},s:I,s:I},s:{s:s}}}", "type", "object", "required",
                     "inputs", "properties", "id", "type", "string", "null", "maxLength", 1024, "pattern", "^[^\\u0000]*$", "parameters",
                     "$ref", "#/components/schemas/InferParameters", "inputs", "type", "array", "description", doc, "prefixItems", inputs,
                     "items", "minItems", n, "maxItems", n, "outputs", "$ref", "#/components/schemas/InferOutputs");
}

/* A row as an object; *properties (borrowed) are its features. */
static json_t *row_schema(const an_model *m, json_t **properties)
{
    const an_prep *p = m->prep;
    json_t *all = *properties = json_object(), *some = json_array(), *row;
    char text[256];
    for (size_t i = 0; i < p->columns; i++) {
        const an_prep_column *c = &p->column[i];
        json_t *value = value_schema(c, false);
        json_object_set_new(value, "description", json_string(about(c, text)));
        json_object_set_new(all, c->name, value);
        json_array_append_new(some, json_pack("{s:[s]}", "required", c->name));
    }
    row = json_pack("{s:s, s:o}", "type", "object", "properties", all);
    if (p->columns <= NAMED)
        json_object_set(row, "anyOf", some);
    else
        json_object_set_new(row, "minProperties", json_integer(1));
    json_decref(some);
    return row;
}

json_t *an__openapi_predict(const an__openapi_model *m)
{
    const an_prep *p = m->model->prep;
    json_t *properties, *row = row_schema(m->model, &properties);
    bool rows = json_object_get(properties, "rows") != NULL;
    json_t *list = json_pack("{s:s,s:i,s:O}", "type", "array", "minItems", 1, "items", row);
    json_t *top = json_deep_copy(row); /* "rows" with a list is the other form */
    if (!rows)
        json_object_set_new(json_object_get(top, "properties"), "rows", json_pack("{s:{s:s,s:{}}}", "not", "type", "array", "items"));
    json_t *held = json_pack("{s:s,s:[s],s:{s:O}}", "type", "object", "required", "rows", "properties", "rows", list);
    if (!rows) { /* features beside the list would be neither */
        const char **names = an_alloc_n(p->columns + 1, sizeof *names);
        for (size_t i = 0; i < p->columns; i++) names[i] = p->column[i].name;
        json_object_set_new(held, "not", any_of(names, p->columns));
        free(names);
    }
    json_decref(row);
    return json_pack("{s:[o,o,o]}", "anyOf", top, list, held);
}

json_t *an__openapi_instances(const an__openapi_model *m)
{
    const an_prep *p = m->model->prep;
    json_t *properties, *row = row_schema(m->model, &properties), *values = json_array();
    for (size_t i = 0; i < p->columns; i++) json_array_append_new(values, value_schema(&p->column[i], false));
    json_int_t n = (json_int_t)p->columns;
    json_t *listed = json_pack("{s:s,s:o,s:{},s:I,s:I}", "type", "array", "prefixItems", values, "items", "minItems", n, "maxItems", n);
    return json_pack("{s:s,s:[s],s:{s:{s:s,s:i,s:{s:[o,o]}}}}", "type", "object", "required", "instances", "properties", "instances",
                     "type", "array", "minItems", 1, "items", "anyOf", row, listed);
}
